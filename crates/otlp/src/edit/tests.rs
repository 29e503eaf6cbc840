use super::*;
use crate::view::{NumberView, OwnedValue, Value};
use crate::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter, Span};

fn spans() -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    for service in ["a", "b"] {
        out.resource(&[("service.name", service.into())], |resource| {
            resource.scope("library", "1", |scope| {
                for name in ["one", "two"] {
                    let attributes = &[("secret", "x".into()), ("kept", 1.into())];
                    scope.span(&Span {
                        name,
                        attributes,
                        ..Span::default()
                    });
                }
            });
        });
    }
    out.finish()
}

fn names(batch: &Batch) -> Vec<String> {
    let mut names = Vec::new();
    for resource in batch.resources() {
        let resource = resource.unwrap();
        let service = resource
            .attributes
            .get("service.name")
            .unwrap()
            .and_then(|value| value.as_str());
        for scope in resource.scopes() {
            for span in scope.unwrap().spans() {
                names.push(format!("{} {}", service.unwrap_or("-"), span.unwrap().name));
            }
        }
    }
    names
}

#[test]
fn nothing_changed_is_the_same_bytes() {
    let batch = spans();
    let after = rewrite(batch.clone(), |element| {
        if let Some(attributes) = element.attributes()? {
            attributes.remove("absent");
            if attributes.contains("kept") {
                attributes.set("kept", 1);
            }
        }
        Ok(Verdict::Keep)
    })
    .unwrap();
    assert_eq!(after.bytes().as_ptr(), batch.bytes().as_ptr());
}

#[test]
fn attributes_of_items_are_edited_in_place() {
    let after = rewrite(spans(), |element| {
        if element.level() == Level::Item
            && let Some(attributes) = element.attributes()?
        {
            assert!(attributes.remove("secret"));
            attributes.set("kept", "two");
            attributes.set("new", true);
        }
        Ok(Verdict::Keep)
    })
    .unwrap();
    assert_eq!(names(&after), ["a one", "a two", "b one", "b two"]);
    for resource in after.resources() {
        for scope in resource.unwrap().scopes() {
            for span in scope.unwrap().spans() {
                let attributes: Vec<_> = span
                    .unwrap()
                    .attributes
                    .iter()
                    .map(Result::unwrap)
                    .collect();
                assert_eq!(
                    attributes,
                    [("kept", Value::Str("two")), ("new", Value::Bool(true))]
                );
            }
        }
    }
}

#[test]
fn resources_are_edited_without_a_look_at_their_items() {
    let mut visited = 0;
    let after = rewrite(spans(), |element| {
        visited += 1;
        element.attributes()?.unwrap().set("service.name", "c");
        Ok(Verdict::KeepWhole)
    })
    .unwrap();
    assert_eq!(visited, 2);
    assert_eq!(names(&after), ["c one", "c two", "c one", "c two"]);
}

#[test]
fn items_see_the_edited_resource() {
    rewrite(spans(), |element| {
        if element.level() == Level::Resource {
            element.attributes()?.unwrap().set("service.name", "c");
        } else {
            assert_eq!(
                element.resource().attributes.get("service.name").unwrap(),
                Some(Value::Str("c"))
            );
        }
        Ok(Verdict::Keep)
    })
    .unwrap();
}

#[test]
fn dropped_items_take_their_empty_envelopes_along() {
    let drop = |wanted: &'static [(&str, &str)]| {
        rewrite(spans(), |element| {
            let Some(span) = element.span()? else {
                return Ok(Verdict::Keep);
            };
            let service = element
                .resource()
                .attributes
                .get("service.name")?
                .and_then(|value| value.as_str());
            Ok(if wanted.contains(&(service.unwrap(), span.name)) {
                Verdict::Keep
            } else {
                Verdict::Drop
            })
        })
        .unwrap()
    };
    let one = drop(&[("a", "one"), ("b", "two")]);
    assert_eq!(
        (names(&one), one.items()),
        (vec!["a one".to_owned(), "b two".to_owned()], 2)
    );
    let half = drop(&[("b", "one")]);
    assert_eq!((half.resources().count(), half.items()), (1, 1));
    let none = drop(&[]);
    assert_eq!((none.bytes().len(), none.items()), (0, 0));
}

#[test]
fn points_are_edited_and_dropped() {
    let mut out = RequestWriter::new(Signal::Metrics);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            let point = |value| NumberPoint {
                attributes: &[("a", Value::Int(1))],
                start_time_unix_nano: 0,
                time_unix_nano: 1,
                value: NumberView::Int(value),
            };
            let data = Data::Sum {
                points: &[point(1), point(2), point(3)],
                is_monotonic: true,
            };
            scope.metric(&Metric {
                name: "m",
                description: "",
                unit: "",
                data,
            });
        });
    });
    let after = rewrite(out.finish(), |element| {
        let Some(point) = element.point()? else {
            return Ok(Verdict::Keep);
        };
        assert_eq!(element.metric().unwrap().name, "m");
        if matches!(
            point.value,
            crate::view::PointValue::Number(NumberView::Int(2))
        ) {
            return Ok(Verdict::Drop);
        }
        element.attributes()?.unwrap().set("b", 2);
        Ok(Verdict::Keep)
    })
    .unwrap();
    assert_eq!(after.items(), 2);
    let resource = after.resources().next().unwrap().unwrap();
    let metric = resource
        .scopes()
        .next()
        .unwrap()
        .unwrap()
        .metrics()
        .next()
        .unwrap()
        .unwrap();
    assert!(metric.is_monotonic);
    for point in metric.points() {
        assert_eq!(
            point.unwrap().attributes.get("b").unwrap(),
            Some(Value::Int(2))
        );
    }
}

#[test]
fn items_can_be_replaced() {
    let mut out = RequestWriter::new(Signal::Logs);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            scope.log(&LogRecord {
                body: "old".into(),
                ..LogRecord::default()
            })
        });
    });
    let after = rewrite(out.finish(), |element| {
        if element.log()?.is_some() {
            let mut record = Encoder::new();
            record.nested(5, |out| out.value(&"new".into()));
            element.replace(record.into_bytes());
        }
        Ok(Verdict::Keep)
    })
    .unwrap();
    let resource = after.resources().next().unwrap().unwrap();
    let log = resource
        .scopes()
        .next()
        .unwrap()
        .unwrap()
        .logs()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(log.body, Value::Str("new"));
}

#[test]
fn a_key_used_twice_is_one_afterwards() {
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(&[("k", 1.into()), ("x", 2.into()), ("k", 3.into())], |_| {});
    let after = rewrite(out.finish(), |element| {
        element.attributes()?.unwrap().set("k", 4);
        Ok(Verdict::Keep)
    })
    .unwrap();
    let attributes = after.resources().next().unwrap().unwrap().attributes;
    let attributes: Vec<_> = attributes.iter().map(Result::unwrap).collect();
    assert_eq!(attributes, [("k", Value::Int(4)), ("x", Value::Int(2))]);
}

#[test]
fn trace_state_and_attributes_are_edited_together() {
    let after = rewrite(spans(), |element| {
        if element.level() == Level::Item {
            element.attributes()?.unwrap().set("new", 1);
            element.set_trace_state("ot=th:8")?;
        }
        Ok(Verdict::Keep)
    })
    .unwrap();
    let resource = after.resources().next().unwrap().unwrap();
    let span = resource
        .scopes()
        .next()
        .unwrap()
        .unwrap()
        .spans()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!((span.trace_state, span.name), ("ot=th:8", "one"));
    assert_eq!(span.attributes.get("new").unwrap(), Some(Value::Int(1)));
}

/// A log record with this body, and with an attribute that holds a text in a list in a map.
fn log(body: &str, nested: &str) -> Batch {
    let list = OwnedValue::array([&Value::from(nested).into(), &Value::from(7).into()]);
    let map = OwnedValue::map([("list", &list)]);
    let mut out = RequestWriter::new(Signal::Logs);
    out.resource(&[("service.name", "a".into())], |resource| {
        resource.scope("library", "1", |scope| {
            let attributes = &[
                ("kept", "short".into()),
                ("map", map.view()),
                ("last", 1.into()),
            ];
            scope.log(&LogRecord {
                body: body.into(),
                attributes,
                ..LogRecord::default()
            });
        });
    });
    out.finish()
}

#[test]
fn long_texts_are_cut_at_a_character_wherever_they_are() {
    // The bound is in the middle of the last character that has room.
    let long = "ä".repeat(600);
    let whole = log(&long, &long);
    let cut = format!("{}… (cut: 1200 bytes in all)", "ä".repeat(500));
    let after = cut_long_values(whole, 1001).unwrap();
    assert_eq!(after.bytes(), log(&cut, &cut).bytes());
    assert_eq!(after.items(), 1);
}

#[test]
fn a_batch_of_short_values_stays_the_same_bytes_however_long_it_is() {
    let batch = log(&"x".repeat(900), &"y".repeat(1000));
    let after = cut_long_values(batch.clone(), 1000).unwrap();
    assert_eq!(after.bytes().as_ptr(), batch.bytes().as_ptr());
}
