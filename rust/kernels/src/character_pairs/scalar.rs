//! The definition, character by character.

use super::{Asked, BLOCK, CharacterPairs};

pub fn apart(pairs: &CharacterPairs, text: &[u8], start: usize, asked: Asked<'_>, apart: &mut [u64]) {
    for (word, (apart, &rights)) in apart.iter_mut().zip(asked.rights).enumerate() {
        *apart = 0;
        let mut rest = rights;
        while rest != 0 {
            let place = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let at = start + word * BLOCK + place;
            let joined = pairs.relates(pairs.number_before(text, at), pairs.number_at(text, at));
            *apart |= u64::from(!joined) << place;
        }
    }
}
