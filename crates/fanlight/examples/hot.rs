use fanlight::callsite::{Callsite, Source};
use std::time::Instant;
static C: Callsite = Callsite::new(
    "work {a}",
    fanlight::Level::Info,
    Source {
        package: "hot",
        version: "1",
        module: "hot",
        file: "hot.rs",
        line: 3,
    },
);
fn main() {
    let _guard = fanlight::bench_support::start_null();
    for _ in 0..7 {
        let n = 300_000u32;
        let start = Instant::now();
        for i in 0..n {
            if C.is_wanted() {
                let mut b = fanlight::SpanBuilder::at(&C);
                b.add("a", &i);
                b.add("name", &"value");
                let _s = b.start().entered();
            }
        }
        println!(
            "span {:.1} ns",
            start.elapsed().as_nanos() as f64 / f64::from(n)
        );
        let start = Instant::now();
        for i in 0..n {
            if C.is_wanted() {
                let mut b = fanlight::LogBuilder::at(&C);
                b.add("a", &i);
                b.add("name", &"value");
                b.emit();
            }
        }
        println!(
            "log {:.1} ns",
            start.elapsed().as_nanos() as f64 / f64::from(n)
        );
        let start = Instant::now();
        for _ in 0..n {
            std::hint::black_box(Instant::now());
        }
        println!(
            "clock {:.1} ns",
            start.elapsed().as_nanos() as f64 / f64::from(n)
        );
    }
}
