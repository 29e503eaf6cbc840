//! Single attributes of those who write no dialect in full.

use super::{Dialect, Table, nothing_else};
use crate::spans::draft::{Row, Says};

pub(super) const TABLE: Table = Table {
    dialect: Dialect::Others,
    speaks: |item| ROWS.iter().any(|(key, _)| item.fields.has(key)),
    rows: ROWS,
    rest: nothing_else,
};

const ROWS: &[Row] = &[
    (
        "langsmith.trace.session_id",
        Says::Text(|draft| &mut draft.call.session_id),
    ),
    (
        "mlflow.spanInputs",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "mlflow.spanOutputs",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
];
