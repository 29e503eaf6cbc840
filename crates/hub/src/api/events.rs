//! [Server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html), as far as the hub sends them.

use fanlight_net::Body;
use http_body_util::BodyExt as _;

use super::Problem;

/// Events as they come.
pub(crate) struct Events {
    body: Body,
    waiting: Vec<u8>,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name.
    pub name: String,
    /// Its JSON.
    pub data: String,
}

impl Events {
    pub(super) fn new(body: Body) -> Events {
        Events {
            body,
            waiting: Vec::new(),
        }
    }

    /// The next event; `None` when the hub stops. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Problem> {
        loop {
            if let Some(event) = self.take() {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| {
                Problem::new(format!("the connection to the hub broke: {error}"))
            })?;
            if let Ok(bytes) = frame.into_data() {
                self.waiting.extend_from_slice(&bytes);
            }
        }
    }

    /// Takes the first event that is whole and says something; comments keep the connection open.
    fn take(&mut self) -> Option<Event> {
        loop {
            let end = self.waiting.windows(2).position(|pair| pair == b"\n\n")?;
            let block: Vec<u8> = self.waiting.drain(..end + 2).collect();
            let event = parse(&String::from_utf8_lossy(&block));
            if !event.data.is_empty() {
                return Some(event);
            }
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" => {
                if !event.data.is_empty() {
                    event.data.push('\n');
                }
                event.data.push_str(value);
            }
            _ => {}
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_comments_left_out() {
        let mut events = Events::new(Body::empty());
        events
            .waiting
            .extend_from_slice(b":\n\nevent: logs\ndata: {\"a\":\ndata: 1}\n\nevent: traces\nda");
        let event = events.take().unwrap();
        assert_eq!((&*event.name, &*event.data), ("logs", "{\"a\":\n1}"));
        assert_eq!(events.take(), None);
    }
}
