//! The caches that calls borrow: a few slots, each behind a lock that nobody ever waits for.
//!
//! A slot that is locked is passed over, so a child forked while another thread held one finds at worst a slot that stays
//! locked. More threads at once than slots make caches that last one call.

use std::sync::Mutex;

const SLOTS: usize = 64;

#[derive(Debug)]
pub struct Memories<T>([Mutex<Option<Box<T>>>; SLOTS]);

impl<T> Default for Memories<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(None)))
    }
}

impl<T: Default> Memories<T> {
    /// Forget all that no call is using now.
    pub fn forget(&self) {
        self.0.iter().filter_map(|slot| slot.try_lock().ok()).for_each(|mut slot| *slot = None);
    }

    /// Lend a memory to `work`: one that an earlier call put back, if there is one.
    pub fn lend<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let lent = self.0.iter().find_map(|slot| slot.try_lock().ok()?.take());
        let mut memory = lent.unwrap_or_default();
        let result = work(&mut memory);
        for slot in &self.0 {
            if let Ok(mut slot) = slot.try_lock()
                && slot.is_none()
            {
                *slot = Some(memory);
                break;
            }
        }
        result
    }
}
