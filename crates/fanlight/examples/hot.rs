use std::time::Instant;
fn main() {
    let _guard = fanlight::bench_support::start_null();
    for _ in 0..9 {
        let n = 200_000u32;
        let mut best = [f64::MAX; 4];
        for _ in 0..5 {
            let start = Instant::now();
            for i in 0..n {
                let _s = fanlight::span!("work", index = i, name = "value").entered();
            }
            best[0] = best[0].min(start.elapsed().as_nanos() as f64 / f64::from(n));
            let start = Instant::now();
            for i in 0..n {
                fanlight::info!("work", index = i, name = "value");
            }
            best[1] = best[1].min(start.elapsed().as_nanos() as f64 / f64::from(n));
            let start = Instant::now();
            for _ in 0..n {
                std::hint::black_box(Instant::now());
            }
            best[2] = best[2].min(start.elapsed().as_nanos() as f64 / f64::from(n));
            let start = Instant::now();
            for i in 0..n {
                let _s = fanlight::span!("work {index}", index = i);
            }
            best[3] = best[3].min(start.elapsed().as_nanos() as f64 / f64::from(n));
        }
        println!(
            "span {:.0} log {:.0} clock {:.0} unentered {:.0}",
            best[0], best[1], best[2], best[3]
        );
    }
}
