//! numpy's `RandomState(seed).randint`, which other libraries draw their permutations with: MT19937 (Matsumoto and
//! Nishimura 1998) and rejection under a mask.

const SIZE: usize = 624;
const SHIFT: usize = 397;

pub struct RandomState {
    state: [u32; SIZE],
    at: usize,
}

impl RandomState {
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; SIZE];
        for index in 1..SIZE {
            let previous = state[index - 1];
            state[index] = 1_812_433_253u32.wrapping_mul(previous ^ previous >> 30).wrapping_add(index as u32);
        }
        Self { state, at: SIZE }
    }

    fn twist(&mut self) {
        for index in 0..SIZE {
            let joined = self.state[index] & 0x8000_0000 | self.state[(index + 1) % SIZE] & 0x7FFF_FFFF;
            let odd = if joined & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[index] = self.state[(index + SHIFT) % SIZE] ^ joined >> 1 ^ odd;
        }
        self.at = 0;
    }

    pub fn next_u32(&mut self) -> u32 {
        if self.at == SIZE {
            self.twist();
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9D2C_5680;
        word ^= word << 15 & 0xEFC6_0000;
        word ^ word >> 18
    }

    /// `randint(0, most + 1)` of a dtype wide enough for `most`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let mask = u64::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = if most <= u64::from(u32::MAX) {
                u64::from(self.next_u32())
            } else {
                u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
            };
            if drawn & mask <= most {
                return drawn & mask;
            }
        }
    }
}
