// Posts one batch of spans with Jaeger's own gRPC client.
package main

import (
	"context"
	"os"
	"time"

	model "github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	start := time.Unix(1700000000, 123456789).UTC()
	trace := model.NewTraceID(1, 2)
	batch := model.Batch{
		Process: model.NewProcess("checkout", []model.KeyValue{model.String("hostname", "node-1"), model.Int64("process.pid", 17)}),
		Spans: []*model.Span{
			{
				TraceID: trace, SpanID: model.NewSpanID(3), OperationName: "charge", StartTime: start, Duration: 250 * time.Millisecond, Flags: model.SampledFlag,
				References: []model.SpanRef{model.NewChildOfRef(trace, model.NewSpanID(2)), model.NewFollowsFromRef(model.NewTraceID(0, 9), model.NewSpanID(8))},
				Tags: []model.KeyValue{
					model.String("span.kind", "client"), model.String("text", "Grüße 世界"), model.Bool("flag", true), model.Int64("number", -7),
					model.Float64("ratio", 0.25), model.Binary("bytes", []byte{0, 255}), model.Bool("error", true),
				},
				Logs: []model.Log{{Timestamp: start.Add(time.Millisecond), Fields: []model.KeyValue{model.String("event", "retry"), model.Int64("attempt", 2)}}},
			},
		},
	}
	context, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = api_v2.NewCollectorServiceClient(connection).PostSpans(context, &api_v2.PostSpansRequest{Batch: batch})
	check(err)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
