//! Batches written with Apache's own implementation.

use ::thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TListIdentifier,
    TMessageIdentifier, TMessageType, TOutputProtocol, TStructIdentifier, TType,
};

use super::*;

/// Writes fields; each is a number, a type and its value.
struct Writer<'a>(&'a mut dyn TOutputProtocol);

impl Writer<'_> {
    fn structure(&mut self, fields: impl FnOnce(&mut Writer<'_>)) {
        let name = TStructIdentifier::new("s");
        self.0.write_struct_begin(&name).unwrap();
        fields(self);
        self.0.write_field_stop().unwrap();
        self.0.write_struct_end().unwrap();
    }

    fn field(&mut self, id: i16, kind: TType, value: impl FnOnce(&mut Writer<'_>)) {
        let field = TFieldIdentifier::new("f", kind, id);
        self.0.write_field_begin(&field).unwrap();
        value(self);
        self.0.write_field_end().unwrap();
    }

    fn i32(&mut self, id: i16, value: i32) {
        self.field(id, TType::I32, |out| out.0.write_i32(value).unwrap());
    }

    fn i64(&mut self, id: i16, value: i64) {
        self.field(id, TType::I64, |out| out.0.write_i64(value).unwrap());
    }

    fn text(&mut self, id: i16, text: &str) {
        self.field(id, TType::String, |out| out.0.write_string(text).unwrap());
    }

    fn list(&mut self, id: i16, elements: &[&dyn Fn(&mut Writer<'_>)]) {
        self.field(id, TType::List, |out| {
            let head = TListIdentifier::new(TType::Struct, elements.len() as i32);
            out.0.write_list_begin(&head).unwrap();
            elements.iter().for_each(|element| out.structure(element));
            out.0.write_list_end().unwrap();
        });
    }
}

/// A process and a span with everything, and fields that do not exist (yet).
fn write_batch(out: &mut Writer<'_>) {
    out.field(1, TType::Struct, |out| out.structure(write_process));
    out.list(2, &[&write_span]);
}

fn write_process(process: &mut Writer<'_>) {
    process.text(1, "shop");
    process.list(
        2,
        &[&|tag| write_tag(tag, "hostname", 0, |tag| tag.text(3, "h"))],
    );
}

fn write_span(span: &mut Writer<'_>) {
    span.i64(1, 0x0102);
    span.i64(2, -1);
    span.i64(3, 7);
    span.i64(4, 9);
    span.text(5, "pay 💳");
    span.list(6, &[&write_reference]);
    span.i32(7, 1);
    span.i64(8, 1_700_000_000_000_001);
    span.i64(9, 5);
    span.list(
        10,
        &[&write_double, &write_boolean, &write_integer, &write_binary],
    );
    span.list(11, &[&write_log]);
    span.field(12, TType::Bool, |out| out.0.write_bool(false).unwrap());
    span.list(400, &[&|unknown| unknown.i64(-3, 1)]);
}

fn write_reference(reference: &mut Writer<'_>) {
    reference.i32(1, 1);
    reference.i64(2, 1);
    reference.i64(3, 2);
    reference.i64(4, 3);
}

fn write_log(log: &mut Writer<'_>) {
    log.i64(1, 3);
    log.list(2, &[&|tag| tag.text(1, "event")]);
}

fn write_tag(tag: &mut Writer<'_>, key: &str, kind: i32, value: impl FnOnce(&mut Writer<'_>)) {
    tag.text(1, key);
    tag.i32(2, kind);
    value(tag);
}

fn write_double(tag: &mut Writer<'_>) {
    let value = |out: &mut Writer<'_>| out.0.write_double(1.5).unwrap();
    write_tag(tag, "k", 1, |tag| tag.field(4, TType::Double, value));
}

fn write_boolean(tag: &mut Writer<'_>) {
    let value = |out: &mut Writer<'_>| out.0.write_bool(true).unwrap();
    write_tag(tag, "k", 2, |tag| tag.field(5, TType::Bool, value));
}

fn write_integer(tag: &mut Writer<'_>) {
    write_tag(tag, "k", 3, |tag| tag.i64(6, i64::MIN));
}

fn write_binary(tag: &mut Writer<'_>) {
    let value = |out: &mut Writer<'_>| out.0.write_bytes(&[0, 255]).unwrap();
    write_tag(tag, "k", 4, |tag| tag.field(7, TType::String, value));
}

fn written(protocol: Protocol, method: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out: Box<dyn TOutputProtocol> = match protocol {
        Protocol::Binary => Box::new(TBinaryOutputProtocol::new(&mut bytes, true)),
        Protocol::Compact => Box::new(TCompactOutputProtocol::new(&mut bytes)),
    };
    let mut writer = Writer(out.as_mut());
    match method {
        None => writer.structure(write_batch),
        Some(method) => {
            let head = TMessageIdentifier::new(method, TMessageType::OneWay, 300);
            writer.0.write_message_begin(&head).unwrap();
            writer.structure(|out| {
                out.field(1, TType::Struct, |out| out.structure(write_batch));
            });
        }
    }
    drop(out);
    bytes
}

#[test]
fn what_apaches_implementation_writes_is_read() {
    for protocol in [Protocol::Binary, Protocol::Compact] {
        let batch = read_batch(protocol, &written(protocol, None)).unwrap();
        let call = written(protocol, Some("emitBatch"));
        let message = read_agent_message(protocol, &call).unwrap();
        assert_eq!(message, AgentMessage::Batch(batch.clone()));
        let process = batch.process.unwrap();
        assert_eq!(process.service_name, "shop");
        assert_eq!(process.tags, [KeyValue::text("hostname", "h")]);
        let [span] = &batch.spans[..] else {
            panic!("{:?}", batch.spans)
        };
        assert_eq!(span.trace_id[..8], [0xff; 8]);
        assert_eq!(span.trace_id[8..], [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(span.operation_name, "pay 💳");
        let start = span.start_time.unwrap().to_nanos();
        assert_eq!(start, Some(1_700_000_000_000_001_000));
        assert_eq!(span.duration.unwrap().to_nanos(), Some(5_000));
        let references: Vec<_> = span
            .references
            .iter()
            .map(|to| (to.span_id[7], to.ref_type))
            .collect();
        assert_eq!(references, [(9, 0), (3, 1)], "the parent comes first");
        let [double, boolean, integer, binary] = &span.tags[..] else {
            panic!("{:?}", span.tags)
        };
        assert_eq!(
            (double.v_type, double.v_float64),
            (ValueType::Float64 as i32, 1.5)
        );
        assert_eq!(
            (boolean.v_type, boolean.v_bool),
            (ValueType::Bool as i32, true)
        );
        assert_eq!(
            (integer.v_type, integer.v_int64),
            (ValueType::Int64 as i32, i64::MIN)
        );
        assert_eq!(
            (binary.v_type, &binary.v_binary[..]),
            (ValueType::Binary as i32, &[0, 255][..])
        );
        assert_eq!(span.logs[0].fields[0].key, "event");
    }
}

#[test]
fn another_method_is_named() {
    let call = written(Protocol::Compact, Some("emitZipkinBatch"));
    let message = read_agent_message(Protocol::Compact, &call);
    assert_eq!(message, Ok(AgentMessage::Other("emitZipkinBatch")));
}

#[test]
fn input_cut_or_changed_anywhere_is_an_error_or_a_batch_and_never_a_panic() {
    for protocol in [Protocol::Binary, Protocol::Compact] {
        let whole = written(protocol, Some("emitBatch"));
        for length in 0..whole.len() {
            assert!(read_agent_message(protocol, &whole[..length]).is_err());
            for byte in [0x00, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[length] = byte;
                drop(read_agent_message(protocol, &changed));
            }
        }
    }
}
