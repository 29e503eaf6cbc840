//! Asking components to stop.

use tokio_util::sync::CancellationToken;

/// Tells a component that it should stop: take nothing new in, finish what it holds, return.
#[derive(Clone, Debug)]
pub struct Stop(CancellationToken);

/// Gives the word to stop.
#[derive(Debug)]
pub struct Stopper(CancellationToken);

impl Stop {
    /// A pair: whoever holds the [`Stopper`] decides, whoever holds a clone of the [`Stop`] is told.
    pub fn new() -> (Stopper, Stop) {
        let token = CancellationToken::new();
        (Stopper(token.clone()), Stop(token))
    }

    /// Resolves once the component should stop; dropping the future loses nothing.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Whether the component should stop.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl Stopper {
    /// Asks every holder of the [`Stop`] to stop. Asking twice is asking once.
    pub fn stop(&self) {
        self.0.cancel();
    }
}
