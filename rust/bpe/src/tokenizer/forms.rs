//! Unicode normal forms of a stretch of text, with the place that each character is said to come from.
//!
//! `tokenizers` keeps offsets through normalization by counting: each character of the result stands for one of the
//! original (0), was inserted (+1), or swallowed so many that follow (−n). Composing `e` and U+0301 gives `é` of the `e`
//! alone; and after marks were put in order, characters are counted off in the new order. That is done here as it is
//! done there, so that offsets agree where a text is not in its form.

use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical, decompose_compatible};

use super::Aligned;

type Counted = (char, isize);

/// The form of `text`, and for each of its characters the bytes of `text` (from, to) whose place it has.
///
/// An inserted character has the place of the one before it: `None` at the very start.
pub fn placed(text: &str, compatible: bool, composed: bool) -> Vec<(char, Option<usize>)> {
    let mut counted = decomposed(text, compatible);
    if composed {
        counted = recomposed(&counted);
    }
    places(counted, text)
}

/// `counted` characters with the places that counting gives them in `text`.
fn places(counted: Vec<Counted>, text: &str) -> Vec<(char, Option<usize>)> {
    let mut originals = text.chars();
    let mut offset = 0_usize;
    let mut next = |offset: &mut usize| *offset += originals.next().map_or(0, char::len_utf8);
    counted
        .into_iter()
        .map(|(character, change)| {
            if change > 0 {
                return (character, offset.checked_sub(1));
            }
            let place = offset;
            for _ in 0..=-change {
                next(&mut offset);
            }
            (character, Some(place))
        })
        .collect()
}

/// What a text becomes, from characters that were counted as `tokenizers` counts them.
pub fn at_places(counted: Vec<Counted>, from: &Aligned) -> Aligned {
    let mut to = Aligned::default();
    let mut buffer = [0; 4];
    for (character, place) in places(counted, &from.text) {
        let span = place.and_then(|place| from.spans.get(place)).copied().unwrap_or((0, 0));
        to.push(character.encode_utf8(&mut buffer), span);
    }
    to
}

/// Decomposed, marks in order.
fn decomposed(text: &str, compatible: bool) -> Vec<Counted> {
    let mut all: Vec<Counted> = Vec::with_capacity(text.len());
    for character in text.chars() {
        let mut change = 0;
        let push = |part| {
            all.push((part, change));
            change = 1;
        };
        if compatible { decompose_compatible(character, push) } else { decompose_canonical(character, push) }
    }
    let mut start = 0;
    while start < all.len() {
        let marks = all[start..].iter().take_while(|(part, _)| canonical_combining_class(*part) != 0).count();
        all[start..start + marks].sort_by_key(|(part, _)| canonical_combining_class(*part));
        start += marks + 1;
    }
    all
}

fn recomposed(parts: &[Counted]) -> Vec<Counted> {
    let mut all: Vec<Counted> = Vec::with_capacity(parts.len());
    // Where in `all` the last starter is, and the class of the last mark kept after it.
    let mut starter: Option<usize> = None;
    let mut last_class = 0;
    for &(part, change) in parts {
        let class = canonical_combining_class(part);
        if let Some(at) = starter
            && (last_class < class || last_class == 0)
            && let Some(both) = compose(all[at].0, part)
        {
            all[at] = (both, all[at].1 + change - 1);
            continue;
        }
        if class == 0 {
            starter = Some(all.len());
        }
        last_class = class;
        all.push((part, change));
    }
    all
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::placed;

    #[test]
    fn forms_are_those_of_the_library() {
        let texts = [
            "cafe\u{301}",
            "e\u{301}\u{301}",
            "a\u{323}\u{308}\u{301}",
            "\u{1100}\u{1161}\u{11a8}",
            "\u{212b}\u{fb01}",
            "\u{958}x",
            "\u{301}e",
            "\u{1e9b}\u{323}",
            "\u{ac00}\u{11a8}",
            "",
        ];
        for text in texts {
            let characters = |compatible, composed| {
                placed(text, compatible, composed).into_iter().map(|(c, _)| c).collect::<String>()
            };
            assert_eq!(characters(false, true), text.nfc().collect::<String>());
            assert_eq!(characters(false, false), text.nfd().collect::<String>());
            assert_eq!(characters(true, true), text.nfkc().collect::<String>());
            assert_eq!(characters(true, false), text.nfkd().collect::<String>());
        }
    }

    #[test]
    fn a_composed_character_has_the_place_of_its_first() {
        assert_eq!(placed("xe\u{301}y", false, true), [('x', Some(0)), ('é', Some(1)), ('y', Some(4))]);
        assert_eq!(placed("é", false, false), [('e', Some(0)), ('\u{301}', Some(1))]);
    }
}
