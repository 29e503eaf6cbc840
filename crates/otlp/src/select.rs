//! Keeping some items of a batch, such as those that a backend wants to be sent again.

use crate::edit::{Level, Verdict, rewrite};
use crate::{Batch, Signal};

impl Batch {
    /// The items (spans, log records, data points) whose number `keep` confirms, counted from 0 in the order of the views,
    /// with their resources and scopes. Profiles stay whole, since they share a dictionary.
    #[must_use]
    pub fn select(&self, mut keep: impl FnMut(usize) -> bool) -> Batch {
        let level = match self.signal() {
            Signal::Profiles => return self.clone(),
            Signal::Metrics => Level::Point,
            Signal::Traces | Signal::Logs => Level::Item,
        };
        let mut number = 0;
        let selected = rewrite(self.clone(), |element| {
            if element.level() != level {
                return Ok(Verdict::Keep);
            }
            let verdict = match keep(number) {
                true => Verdict::KeepWhole,
                false => Verdict::Drop,
            };
            number += 1;
            Ok(verdict)
        });
        // A batch was validated when it came in. Too much is better than lost.
        debug_assert!(selected.is_ok(), "{selected:?}");
        selected.unwrap_or_else(|_| self.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::Signal;
    use crate::view::NumberView;
    use crate::write::{Data, Metric, NumberPoint, RequestWriter, Span};

    #[test]
    fn chosen_spans_stay_with_their_resources() {
        let mut out = RequestWriter::new(Signal::Traces);
        for service in ["a", "b"] {
            out.resource(&[("service.name", service.into())], |resource| {
                resource.scope("", "", |scope| {
                    for name in ["first", "second"] {
                        scope.span(&Span {
                            name,
                            ..Span::default()
                        });
                    }
                });
            });
        }
        let batch = out.finish();
        let selected = batch.select(|number| number == 3);
        assert_eq!(selected.items(), 1);
        let resources: Vec<_> = selected.resources().map(Result::unwrap).collect();
        assert_eq!(resources.len(), 1);
        assert_eq!(batch.select(|_| true), batch);
        assert_eq!(batch.select(|_| false).items(), 0);
    }

    #[test]
    fn the_items_of_metrics_are_points() {
        let mut out = RequestWriter::new(Signal::Metrics);
        let points = [1, 2, 3].map(|value| NumberPoint {
            attributes: &[],
            start_time_unix_nano: 0,
            time_unix_nano: 1,
            value: NumberView::Int(value),
        });
        out.resource(&[], |resource| {
            resource.scope("", "", |scope| {
                let metric = Metric {
                    name: "m",
                    description: "",
                    unit: "",
                    data: Data::Gauge(&points),
                };
                scope.metric(&metric);
                scope.metric(&metric);
            });
        });
        let batch = out.finish();
        assert_eq!(batch.items(), 6);
        assert_eq!(batch.select(|number| number % 3 == 0).items(), 2);
    }
}
