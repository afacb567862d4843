//! The one way out of the GIL and back.
//!
//! [`brief`] is for work of microseconds to milliseconds: it only leaves the GIL. [`long`] also answers Ctrl-C: the
//! work runs on a thread of its own while the caller looks for signals, so KeyboardInterrupt arrives within
//! 50 ms plus the work's own distance between two looks at its [`Cancel`]. It costs a thread start, about 20 µs.
//! Inside either there are no Python objects.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel, sync_channel};
use std::time::Duration;

use pyo3::marker::Ungil;
use pyo3::prelude::*;
use tokenfoundry_base::Cancel;

const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(50);

#[allow(dead_code)]
pub fn brief<R: Ungil>(python: Python<'_>, work: impl Ungil + FnOnce() -> R) -> R {
    python.detach(work)
}

/// Run `work` outside the GIL; on Ctrl-C cancel it, wait until it has stopped, and raise KeyboardInterrupt.
#[allow(dead_code)]
pub fn long<R: Send + Ungil>(python: Python<'_>, work: impl FnOnce(&Cancel) -> R + Send + Ungil) -> PyResult<R> {
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        let (done, finished) = sync_channel::<()>(1);
        let worker = scope.spawn({
            let cancel = cancel.clone();
            move || {
                let result = work(&cancel);
                // The receiver outlives this thread; a send that fails would only mean that nobody waits.
                let _ = done.send(());
                result
            }
        });
        let mut interrupted = None;
        let finished = &std::sync::Mutex::new(finished);
        loop {
            let waited = python.detach(|| match finished.lock() {
                Ok(finished) => finished.recv_timeout(LOOK_FOR_SIGNALS),
                Err(_) => Err(RecvTimeoutError::Disconnected),
            });
            match waited {
                // Disconnected: the worker panicked before it could say so; joining it below tells.
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if interrupted.is_none() => {
                    if let Err(signal) = python.check_signals() {
                        cancel.cancel();
                        interrupted = Some(signal);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        let result = python.detach(|| worker.join());
        match (interrupted, result) {
            (Some(signal), _) => Err(signal),
            (None, Ok(result)) => Ok(result),
            (None, Err(panic)) => std::panic::resume_unwind(panic),
        }
    })
}

/// Run `work` outside the GIL, as [`long`] does, and give what it sends to `take`, with the GIL, while it goes on.
///
/// The first error of `take` ends the work.
pub fn stream<T: Send, R: Send + Ungil>(
    python: Python<'_>,
    work: impl FnOnce(&Cancel, Sender<T>) -> R + Send + Ungil,
    mut take: impl FnMut(T) -> PyResult<()>,
) -> PyResult<R> {
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        let worker = scope.spawn({
            let cancel = cancel.clone();
            move || work(&cancel, sender)
        });
        let mut failed = None;
        let receiver = &std::sync::Mutex::new(receiver);
        loop {
            let received = python.detach(|| match receiver.lock() {
                Ok(receiver) => receiver.recv_timeout(LOOK_FOR_SIGNALS),
                Err(_) => Err(RecvTimeoutError::Disconnected),
            });
            let done = match received {
                Err(RecvTimeoutError::Disconnected) => break,
                _ if failed.is_some() => continue,
                Ok(part) => take(part).and_then(|()| python.check_signals()),
                Err(RecvTimeoutError::Timeout) => python.check_signals(),
            };
            if let Err(error) = done {
                cancel.cancel();
                failed = Some(error);
            }
        }
        let result = python.detach(|| worker.join());
        match (failed, result) {
            (Some(error), _) => Err(error),
            (None, Ok(result)) => Ok(result),
            (None, Err(panic)) => std::panic::resume_unwind(panic),
        }
    })
}
