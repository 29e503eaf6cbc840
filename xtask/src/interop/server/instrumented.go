// A program with every type of metric that Prometheus' client for Go has; no value ever changes.
//
// It listens on the address that is its argument: /metrics is in the form that is asked for, /openmetrics and /text are in
// theirs.
package main

import (
	"log"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var trace = prometheus.Labels{"trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174"}

func main() {
	registry := prometheus.NewRegistry()
	numbers(registry)
	distributions(registry)
	registry.MustRegister(constant{time.Now().Add(-10 * time.Second)})
	pages := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics:                   true,
		EnableOpenMetricsTextCreatedSamples: true,
	})
	as := func(form string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Accept", form)
			pages.ServeHTTP(w, r)
		}
	}
	http.Handle("/metrics", pages)
	http.HandleFunc("/openmetrics", as("application/openmetrics-text;version=1.0.0"))
	http.HandleFunc("/text", as("text/plain;version=0.0.4"))
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}

func numbers(registry prometheus.Registerer) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_requests_total",
		Help: "Requests, \"all\" of them,\nof 100 \\ 0.",
	}, []string{"code", "path"})
	requests.WithLabelValues("200", "/käse/\"🧀\"\\\n{,}").(prometheus.ExemplarAdder).AddWithExemplar(17, trace)
	requests.WithLabelValues("503", "").Add(0.5)
	temperature := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "shop_temperature_celsius"}, []string{"room"})
	for room, value := range map[string]float64{
		"vault": -273.15, "oven": 1e300, "sun": math.Inf(1), "void": math.Inf(-1), "unknown": math.NaN(), "tiny": 5e-324,
	} {
		temperature.WithLabelValues(room).Set(value)
	}
	// What the target's labels are called too.
	clash := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "shop_clash"}, []string{"job", "instance", "zone"})
	clash.WithLabelValues("own job", "own instance", "own zone").Set(1)
	dropped := prometheus.NewGauge(prometheus.GaugeOpts{Name: "shop_dropped"})
	registry.MustRegister(requests, temperature, clash, dropped)
}

func distributions(registry prometheus.Registerer) {
	explicit := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "shop_latency_seconds", Help: "Latency.", Buckets: []float64{-1, 0, 0.1, 2.5, 1e6},
	}, []string{"op"})
	explicit.WithLabelValues("read").(prometheus.ExemplarObserver).ObserveWithExemplar(0.05, trace)
	for _, value := range []float64{-3, 0, 0.1, 2, 1e9} {
		explicit.WithLabelValues("read").Observe(value)
	}
	explicit.WithLabelValues("never")
	native := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "shop_size_bytes", NativeHistogramBucketFactor: 1.1, NativeHistogramZeroThreshold: 0.001,
	})
	native.(prometheus.ExemplarObserver).ObserveWithExemplar(0.7, trace)
	both := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "shop_weight_grams", NativeHistogramBucketFactor: 2, Buckets: []float64{1, 10, 100},
	})
	for _, value := range []float64{-500, -1, 0, 0.0005, 0.7, 1, 1.05, 1024, 1e9} {
		native.Observe(value)
		both.Observe(value)
	}
	summary := prometheus.NewSummaryVec(prometheus.SummaryOpts{
		Name: "shop_pause_seconds", Objectives: map[float64]float64{0: 0, 0.5: 0.05, 0.99: 0.001}, MaxAge: 24 * time.Hour,
	}, []string{"collector"})
	for value := 1; value <= 9; value++ {
		summary.WithLabelValues("g1").Observe(float64(value))
	}
	summary.WithLabelValues("never")
	registry.MustRegister(explicit, native, both, summary)
}

// A metric without a type, and one with a time of its own.
type constant struct{ at time.Time }

var (
	untyped = prometheus.NewDesc("shop_untyped", "", []string{"key"}, prometheus.Labels{"fixed": "yes"})
	stamped = prometheus.NewDesc("shop_stamped", "", nil, nil)
)

func (constant) Describe(to chan<- *prometheus.Desc) {
	to <- untyped
	to <- stamped
}

func (own constant) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.MustNewConstMetric(untyped, prometheus.UntypedValue, 42, "")
	to <- prometheus.NewMetricWithTimestamp(own.at, prometheus.MustNewConstMetric(stamped, prometheus.GaugeValue, 7))
}
