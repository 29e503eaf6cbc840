//! AWS X-Ray and CloudWatch Logs, which check every signature themselves.
//!
//! Written from the published API: [signatures](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html),
//! [X-Ray](https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html) and
//! [CloudWatch Logs](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).

mod logs;
mod segment;
mod signature;
mod xray;

pub use logs::CloudWatchLogs;
pub use signature::Account;
pub use xray::XRay;

use fanlight_net::Body;
use fanlight_net::http::text;
use http::{HeaderValue, Response, StatusCode};

/// An error as AWS answers it: its name, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status.
    pub status: u16,
    /// The error's name.
    pub name: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    pub(super) fn new(status: u16, name: &'static str, message: impl Into<String>) -> Fault {
        Fault {
            status,
            name,
            message: message.into(),
        }
    }

    /// The name in a header, as of REST services.
    fn rest(&self) -> Response<Body> {
        let body = serde_json::json!({ "message": self.message }).to_string();
        let mut response = text(StatusCode::from_u16(self.status).expect("a status"), body);
        let name = format!("{}:http://internal.amazon.com/coral/", self.name);
        let name = HeaderValue::from_str(&name).expect("a header");
        response.headers_mut().insert("x-amzn-errortype", name);
        response
    }

    /// The name in the body, as of services that speak JSON 1.1.
    fn json(&self) -> Response<Body> {
        let body = serde_json::json!({ "__type": self.name, "message": self.message });
        text(
            StatusCode::from_u16(self.status).expect("a status"),
            body.to_string(),
        )
    }
}
