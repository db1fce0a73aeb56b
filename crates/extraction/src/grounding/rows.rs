//! Which lines of the pages the items of a list stand on: in their order, and where most of their values are.

use std::collections::HashMap;

use super::index::Index;
use super::search::Places;

/// A value that stands in more places says nothing of its line.
const MAX_PLACES: usize = 2_000;
/// So many pairs of item and line are weighed in one list.
const MAX_PAIRS: usize = 3_000_000;
/// What a value counts for an item that begins on its line, one line above, two lines above.
const BELOW: [f32; 3] = [1.0, 0.6, 0.3];

/// The line that each item begins on; each below the one before. An item of which nothing is found has none.
pub(crate) fn lines_of_items(items: &[Vec<Places>], index: &Index<'_>) -> Vec<Option<usize>> {
    let mut best = Best::new(index.lines.len());
    let mut nodes: Vec<Node> = Vec::new();
    let mut pairs = 0;
    for (item, values) in items.iter().enumerate() {
        let scores = scores(values, index, &mut pairs);
        let mut fresh: Vec<(usize, usize)> = Vec::with_capacity(scores.len());
        for (line, score) in scores {
            let before = best.up_to(line, &nodes);
            let so_far = before.and_then(|node| nodes.get(node)).map_or(0.0, |node| node.score);
            fresh.push((line, nodes.len()));
            nodes.push(Node { item, line, score: so_far + score, before });
        }
        // Only now, so that an item takes one line.
        for (line, node) in fresh {
            best.add(line, node, &nodes);
        }
    }
    let mut lines = vec![None; items.len()];
    let mut last = best.up_to(index.lines.len(), &nodes);
    while let Some(node) = last.and_then(|number| nodes.get(number)) {
        if let Some(slot) = lines.get_mut(node.item) {
            *slot = Some(node.line);
        }
        last = node.before;
    }
    lines
}

/// How much speaks for an item to begin on a line, in the order of the lines.
fn scores(values: &[Places], index: &Index<'_>, pairs: &mut usize) -> Vec<(usize, f32)> {
    let mut scores: HashMap<usize, f32> = HashMap::new();
    for places in values.iter().filter(|places| places.len() <= MAX_PLACES) {
        if *pairs > MAX_PAIRS {
            break;
        }
        *pairs += places.len();
        let mut of_value: HashMap<usize, f32> = HashMap::new();
        for place in places.iter() {
            let line = index.line_of(place.span.first);
            let length = index.characters(place.span).len().min(30);
            let many = f32::from(u16::try_from(places.len()).unwrap_or(u16::MAX)).sqrt();
            let weight = (1.0 + f32::from(u8::try_from(length).unwrap_or(u8::MAX)) / 5.0) * place.likeness / many;
            for (up, share) in BELOW.iter().enumerate() {
                let Some(line) = line.checked_sub(up) else { continue };
                let known = of_value.entry(line).or_default();
                *known = known.max(weight * share);
            }
        }
        for (line, weight) in of_value {
            *scores.entry(line).or_default() += weight;
        }
    }
    let mut scores: Vec<(usize, f32)> = scores.into_iter().collect();
    scores.sort_unstable_by_key(|(line, _)| *line);
    scores
}

/// An item on a line, after the best way to place the items before it.
#[derive(Debug)]
struct Node {
    item: usize,
    line: usize,
    score: f32,
    before: Option<usize>,
}

/// The best way that ends above a line: a tree of prefix maxima.
#[derive(Debug)]
struct Best(Vec<Option<usize>>);

impl Best {
    fn new(lines: usize) -> Self {
        Self(vec![None; lines + 2])
    }

    /// The best node on a line before this one.
    fn up_to(&self, line: usize, nodes: &[Node]) -> Option<usize> {
        let mut slot = line.min(self.0.len().saturating_sub(1));
        let mut best: Option<usize> = None;
        while slot > 0 {
            if let Some(Some(node)) = self.0.get(slot)
                && best.is_none_or(|known| score(nodes, *node) > score(nodes, known))
            {
                best = Some(*node);
            }
            slot &= slot - 1;
        }
        best
    }

    fn add(&mut self, line: usize, node: usize, nodes: &[Node]) {
        let mut slot = line + 1;
        while slot < self.0.len() {
            if let Some(known) = self.0.get_mut(slot)
                && known.is_none_or(|known| score(nodes, node) > score(nodes, known))
            {
                *known = Some(node);
            }
            slot += slot & slot.wrapping_neg();
        }
    }
}

fn score(nodes: &[Node], number: usize) -> f32 {
    nodes.get(number).map_or(0.0, |node| node.score)
}
