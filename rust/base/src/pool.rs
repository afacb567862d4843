//! One thread pool per process and width, made on first use and made anew after a fork.
//!
//! rayon's global pool hangs in a forked child: its threads did not come along, its queues did. A PyTorch dataloader
//! forks, so pools are keyed by process id here, and a child that finds its parent's pools leaves them alone.

use std::process;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

struct Pools {
    process_id: u32,
    by_threads: Mutex<Vec<(usize, Arc<ThreadPool>)>>,
    /// Pools of one thread that nobody is using.
    single: Mutex<Vec<ThreadPool>>,
}

static POOLS: AtomicPtr<Pools> = AtomicPtr::new(std::ptr::null_mut());

/// Threads to use where the caller names none: `TOKENFOUNDRY_THREADS`, else what the machine allows this process.
pub fn default_threads() -> usize {
    std::env::var("TOKENFOUNDRY_THREADS")
        .ok()
        .and_then(|value| value.parse().ok())
        .filter(|&threads| threads > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |threads| threads.get()))
}

fn pools() -> &'static Pools {
    let process_id = process::id();
    loop {
        let current = POOLS.load(Ordering::Acquire);
        // SAFETY: a non-null pointer here came from `Box::into_raw` below and is never freed: pools live as long as
        // the process, and a forked child leaks the few hundred bytes that were its parent's.
        if let Some(pools) = unsafe { current.as_ref() }
            && pools.process_id == process_id
        {
            return pools;
        }
        let fresh = Box::into_raw(Box::new(Pools {
            process_id,
            by_threads: Mutex::new(Vec::new()),
            single: Mutex::new(Vec::new()),
        }));
        if POOLS.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: the exchange failed, so `fresh` was shared with nobody.
            drop(unsafe { Box::from_raw(fresh) });
        }
    }
}

/// Run `work` on the pool of `threads` threads (`None`: [`default_threads`]); rayon calls inside use that pool.
///
/// Callers at the same time share the pool of a width, but for width one: who asks for one thread has one to itself, so that
/// several callers with a thread each run side by side. Where the system refuses to start threads, `work` runs on the
/// caller's thread.
pub fn install<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> R {
    let threads = threads.unwrap_or_else(default_threads).max(1);
    if threads == 1 {
        return alone(work);
    }
    let pool = {
        let mut by_threads = pools().by_threads.lock().unwrap_or_else(PoisonError::into_inner);
        match by_threads.iter().find(|(width, _)| *width == threads) {
            Some((_, pool)) => Some(Arc::clone(pool)),
            None => {
                let built = ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .thread_name(|index| format!("tokenfoundry-{index}"))
                    .build()
                    .map(Arc::new);
                if let Ok(pool) = &built {
                    by_threads.push((threads, Arc::clone(pool)));
                }
                built.ok()
            }
        }
    };
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

fn alone<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let single = &pools().single;
    let idle = single.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let name = |_| String::from("tokenfoundry-single");
    let Some(pool) = idle.or_else(|| ThreadPoolBuilder::new().num_threads(1).thread_name(name).build().ok()) else {
        return work();
    };
    let result = pool.install(work);
    // A panic drops the pool: its thread ends.
    single.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
    result
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn install_uses_the_asked_width() {
        assert_eq!(install(Some(3), rayon::current_num_threads), 3);
        assert_eq!(install(Some(1), rayon::current_num_threads), 1);
        let sum: u64 = install(Some(2), || (0..1000u64).into_par_iter().sum());
        assert_eq!(sum, 499_500);
    }

    #[test]
    fn callers_with_one_thread_do_not_wait_for_each_other() {
        let meeting = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| install(Some(1), || meeting.wait()));
            }
        });
    }
}
