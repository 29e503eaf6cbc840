//! What calls are asked by.

use super::super::TimeRange;
use super::calls::LlmKinds;

/// Which calls are wanted. The default is all calls of models.
#[derive(Clone, Debug, Default)]
pub struct LlmFilter {
    /// When they started.
    pub time: TimeRange,
    /// Only of this service.
    pub service: Option<String>,
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only of this model, asked for or answering.
    pub model: Option<String>,
    /// Only of this session or conversation.
    pub session: Option<String>,
    /// Only of this user.
    pub user: Option<String>,
    /// Only with this tag, exactly.
    pub tag: Option<String>,
    /// Only of this agent.
    pub agent: Option<String>,
    /// Only of these kinds.
    pub kinds: LlmKinds,
    /// Only those that failed.
    pub errors_only: bool,
    /// Only those with this in their name, or in what was asked or answered as far as lists show it; ASCII letters match in
    /// either case.
    pub text: Option<String>,
    /// Only those that took at least so long, in nanoseconds.
    pub min_duration_nano: u64,
    /// Only those that cost at least so much, in US dollars.
    pub min_cost: Option<f64>,
}
