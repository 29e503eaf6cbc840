/** How to send a first trace, per language: what to install, what to write, what to run, with this hub's own address. */

export interface SnippetStep {
  text: string;
  code: string;
}

export interface Snippet {
  id: string;
  title: string;
  steps: readonly SnippetStep[];
}

/** The environment that every OpenTelemetry SDK reads. */
function environment(base: string): string {
  return `export OTEL_SERVICE_NAME=hello\nexport OTEL_EXPORTER_OTLP_ENDPOINT=${base}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`;
}

export function snippets(base: string, curl: string): Snippet[] {
  const variables = { text: 'Point the SDK at this hub:', code: environment(base) };
  return [
    {
      id: 'rust',
      title: 'Rust',
      steps: [
        { text: 'Fanlight’s own SDK:', code: 'cargo add fanlight' },
        {
          text: 'In src/main.rs:',
          code: `fn main() -> Result<(), fanlight::ConfigureError> {
    let _fanlight = fanlight::configure().service_name("hello").start()?;
    let name = "world";
    let _span = fanlight::span!("say hello to {name}").entered();
    fanlight::info!("found the words");
    Ok(())
}`,
        },
        { text: 'Run it:', code: `OTEL_EXPORTER_OTLP_ENDPOINT=${base} cargo run` },
      ],
    },
    {
      id: 'python',
      title: 'Python',
      steps: [
        {
          text: 'Install the SDK and what traces your libraries by itself:',
          code: 'pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\nopentelemetry-bootstrap -a install',
        },
        variables,
        { text: 'Run your program as it is:', code: 'opentelemetry-instrument python app.py' },
      ],
    },
    {
      id: 'node',
      title: 'Node.js',
      steps: [
        {
          text: 'Install the SDK and what traces your libraries by itself:',
          code: 'npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node',
        },
        variables,
        {
          text: 'Run your program as it is:',
          code: 'node --require @opentelemetry/auto-instrumentations-node/register app.js',
        },
      ],
    },
    {
      id: 'go',
      title: 'Go',
      steps: [
        {
          text: 'Add the SDK:',
          code: 'go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp',
        },
        {
          text: 'In main.go:',
          code: `package main

import (
\t"context"
\t"log"

\t"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
\t"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
\tctx := context.Background()
\texporter, err := otlptracehttp.New(ctx)
\tif err != nil {
\t\tlog.Fatal(err)
\t}
\tprovider := trace.NewTracerProvider(trace.WithBatcher(exporter))
\tdefer provider.Shutdown(ctx)
\t_, span := provider.Tracer("hello").Start(ctx, "say hello")
\tspan.End()
}`,
        },
        variables,
        { text: 'Run it:', code: 'go run .' },
      ],
    },
    {
      id: 'java',
      title: 'Java',
      steps: [
        {
          text: 'Get the agent, which traces your libraries by itself:',
          code: 'curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar',
        },
        variables,
        {
          text: 'Run your program as it is:',
          code: 'java -javaagent:opentelemetry-javaagent.jar -jar app.jar',
        },
      ],
    },
    { id: 'curl', title: 'curl', steps: [{ text: 'Two spans by hand:', code: curl }] },
  ];
}
