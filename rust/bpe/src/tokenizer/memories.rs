//! The caches that calls borrow: a few slots, each behind a lock that nobody ever waits for.
//!
//! A slot that is locked is passed over, so a child forked while another thread held one finds at worst a slot that stays
//! locked. More threads at once than slots make caches that last one call.

use std::sync::{Mutex, TryLockError};

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

    /// Lend a memory to `work`: one that an earlier call left, if there is one that nobody has now.
    pub fn lend<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let free = self.0.iter().find_map(|slot| match slot.try_lock() {
            Ok(memory) => Some(memory),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(left)) => {
                // Work that panicked may have left it half changed.
                slot.clear_poison();
                let mut memory = left.into_inner();
                *memory = None;
                Some(memory)
            }
        });
        match free {
            Some(mut memory) => work(memory.get_or_insert_default()),
            None => work(&mut T::default()),
        }
    }
}
