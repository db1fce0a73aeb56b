//! Which of several places is meant: by row, by column, by the label beside it, by what stands near.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sluice_core::BoundingBox;

use super::index::{Index, Span};
use super::leaves::Leaf;
use super::rows::lines_of_items;
use super::search::{Place, Places};

/// So many places of one value are weighed: the first ones and the last ones.
const MAX_WEIGHED: usize = 80;
/// How many lines above a value its label may stand.
const LABEL_LINES: usize = 3;
/// How many words to the left of a value its label may begin.
const LABEL_WORDS: usize = 8;
/// How many lines above a table its head may stand.
const HEAD_LINES: usize = 8;
/// A value this short is taken for found in a list only on the lines of its item.
const SHORT: usize = 3;

/// How many lines the last item of a list may have.
const LAST_ITEM_LINES: usize = 4;

/// The place of a value, and how many others were as good.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) place: Place,
    pub(crate) alternatives: u32,
}

/// Chooses for each leaf; lists first, since what stands in a table is less likely meant by what is not of one.
pub(crate) fn choose(leaves: &[Leaf<'_>], places: &[Places], index: &Index<'_>) -> Vec<Option<Choice>> {
    let mut chooser = Chooser {
        leaves,
        places,
        index,
        choices: vec![None; leaves.len()],
        table_lines: BTreeSet::new(),
        head_lines: BTreeSet::new(),
    };
    let mut lists: BTreeMap<&str, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    let mut singles = Vec::new();
    for (number, leaf) in leaves.iter().enumerate() {
        match &leaf.row {
            Some(row) => lists.entry(&row.list).or_default().entry(row.number).or_default().push(number),
            None => singles.push(number),
        }
    }
    // The longest list first: others, such as taxes, may repeat its values.
    let mut lists: Vec<BTreeMap<usize, Vec<usize>>> = lists.into_values().collect();
    lists.sort_by_key(|items| std::cmp::Reverse(items.len()));
    for items in lists {
        chooser.choose_rows(items.into_values().collect());
    }
    chooser.choose_singles(&singles);
    chooser.choices
}

struct Chooser<'c, 'd, 'a> {
    leaves: &'c [Leaf<'d>],
    places: &'c [Places],
    index: &'c Index<'a>,
    choices: Vec<Option<Choice>>,
    /// Lines on which values of lists stand.
    table_lines: BTreeSet<usize>,
    /// Lines above them, which label their columns.
    head_lines: BTreeSet<usize>,
}

/// The lines that an item may have.
#[derive(Debug, Clone, Copy)]
struct Band {
    from: usize,
    anchor: usize,
    to: usize,
}

impl<'c> Chooser<'c, '_, '_> {
    fn choose_rows(&mut self, items: Vec<Vec<usize>>) {
        let values: Vec<Vec<Places>> =
            items.iter().map(|item| item.iter().filter_map(|leaf| self.places.get(*leaf)).cloned().collect()).collect();
        let anchors = lines_of_items(&values, self.index);
        let bands = bands(&anchors, self.index.lines.len());
        let columns = self.columns(&items, &bands);
        for (item, band) in items.iter().zip(&bands) {
            self.choose_row(item, *band, &columns);
        }
        for (item, band) in items.iter().zip(&bands) {
            if let Some(band) = band {
                let last = item.iter().filter_map(|leaf| self.chosen_line(*leaf)).filter(|line| *line < band.to).max();
                self.table_lines.extend(band.anchor..=last.unwrap_or(band.anchor).max(band.anchor));
            }
        }
        if let Some(first) = anchors.iter().flatten().min() {
            self.head_lines.extend(first.saturating_sub(2)..*first);
        }
    }

    fn chosen_line(&self, leaf: usize) -> Option<usize> {
        let choice = self.choices.get(leaf)?.as_ref()?;
        Some(self.index.line_of(choice.place.span.first))
    }

    /// Where the columns of a list stand: the middle of values that have one place on their line, else of their heads.
    fn columns(&self, items: &[Vec<usize>], bands: &[Option<Band>]) -> HashMap<&'c str, f32> {
        let mut certain: HashMap<&str, Vec<f32>> = HashMap::new();
        let mut fields: HashMap<&str, usize> = HashMap::new();
        for (item, band) in items.iter().zip(bands) {
            for (leaf, number) in item.iter().filter_map(|number| Some((self.leaves.get(*number)?, *number))) {
                fields.entry(&leaf.field.path).or_insert(number);
                let Some(band) = band else { continue };
                let on_line = self.in_lines(number, band.anchor, band.anchor + 1);
                if let [place] = on_line
                    && let Some(x) = place.bounds(self.index).map(middle)
                {
                    certain.entry(&leaf.field.path).or_default().push(x);
                }
            }
        }
        let first_line = bands.iter().flatten().map(|band| band.anchor).min();
        let mut columns = HashMap::new();
        for (field, number) in fields {
            let head = first_line.and_then(|line| self.head(number, line));
            let mut known = certain.remove(field).unwrap_or_default();
            known.sort_by(f32::total_cmp);
            let median = known.get(known.len() / 2).copied();
            if let Some(x) = median.or(head) {
                columns.insert(field, x);
            }
        }
        columns
    }

    /// Where the head of a leaf's column stands.
    fn head(&self, leaf: usize, first_line: usize) -> Option<f32> {
        let labels = &self.leaves.get(leaf)?.field.labels;
        let mut best: Option<(usize, f32)> = None;
        for line in (first_line.saturating_sub(HEAD_LINES)..first_line).rev() {
            for word in self.words_of_line(line).iter().take(60) {
                let hits = super::fold::chunks(&word.text).iter().filter(|chunk| labels.contains(*chunk)).count();
                if hits > best.map_or(0, |(hits, _)| hits) {
                    best = Some((hits, middle(word.bounds)));
                }
            }
        }
        best.map(|(_, x)| x)
    }

    fn words_of_line(&self, line: usize) -> &[super::index::Placed<'_>] {
        self.index.lines.get(line).and_then(|words| self.index.words.get(words.clone())).unwrap_or_default()
    }

    /// The places of a leaf on some lines.
    fn in_lines(&self, leaf: usize, from: usize, to: usize) -> &'c [Place] {
        let Some(places) = self.places.get(leaf) else { return &[] };
        let (first, end) = (self.index.line_start(from), self.index.line_start(to));
        let start = places.partition_point(|place| place.span.first < first);
        let stop = places.partition_point(|place| place.span.first < end);
        places.get(start..stop).unwrap_or_default()
    }

    fn choose_row(&mut self, item: &[usize], band: Option<Band>, columns: &HashMap<&'c str, f32>) {
        // Those with the fewest places first: the others take what is left.
        let mut order: Vec<(usize, usize)> = item
            .iter()
            .map(|leaf| (band.map_or(0, |band| self.in_lines(*leaf, band.from, band.to).len().min(MAX_WEIGHED)), *leaf))
            .collect();
        order.sort_unstable();
        let mut used: Vec<Span> = Vec::new();
        for (_, leaf) in order {
            let choice = band.and_then(|band| self.choose_in_band(leaf, band, columns, &used));
            let choice = choice.or_else(|| self.choose_outside(leaf, band));
            used.extend(choice.iter().map(|choice| choice.place.span));
            if let Some(slot) = self.choices.get_mut(leaf) {
                *slot = choice;
            }
        }
    }

    fn choose_in_band(
        &self,
        leaf: usize,
        band: Band,
        columns: &HashMap<&'c str, f32>,
        used: &[Span],
    ) -> Option<Choice> {
        let column = columns.get(self.leaves.get(leaf)?.field.path.as_str()).copied();
        let cost = |place: &Place| {
            let line = self.index.line_of(place.span.first);
            let away = if line < band.anchor { (band.anchor - line) * 3 } else { (line - band.anchor) * 2 };
            let width = self.sheet_width(place);
            let x = place.bounds(self.index).map_or(0.0, middle);
            let aside = column.map_or(x * 0.01, |column| (x - column).abs() * 10.0) / width;
            let is_used = used.iter().any(|span| span.first <= place.span.last && place.span.first <= span.last);
            real(away) * 0.5 + aside + (1.0 - place.likeness) * 3.0 + if is_used { 4.0 } else { 0.0 }
        };
        let places = self.in_lines(leaf, band.from, band.to);
        let best = places
            .iter()
            .take(MAX_WEIGHED)
            .map(|place| (cost(place), place))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        Some(Choice { place: best.1.clone(), alternatives: 0 })
    }

    /// A value that is not on its item's lines: the nearest place, if it is long enough to be no chance.
    fn choose_outside(&self, leaf: usize, band: Option<Band>) -> Option<Choice> {
        let places = self.places.get(leaf)?;
        let line = band.map(|band| band.anchor);
        let distance = |place: &Place| line.map_or(0, |line| self.index.line_of(place.span.first).abs_diff(line));
        let place = places.iter().min_by_key(|place| distance(place))?;
        let length = self.index.characters(place.span).len();
        if length <= SHORT && (line.is_some() || places.len() > 1) {
            return None;
        }
        Some(Choice { place: place.clone(), alternatives: others(places.len()) })
    }

    fn sheet_width(&self, place: &Place) -> f32 {
        let page = self.index.word_of(place.span.first).map(|word| word.page);
        let sheet = page.and_then(|page| self.index.sheets.get(page));
        sheet.filter(|sheet| sheet.has_boxes).map_or(120.0, |sheet| sheet.width).max(1.0)
    }

    /// Values that are in no list: first those whose label decides, then the others by what is near them.
    fn choose_singles(&mut self, singles: &[usize]) {
        let mut open: Vec<(usize, Vec<(f32, Place)>)> = Vec::new();
        for leaf in singles {
            let weighed = self.weigh(*leaf);
            let certain =
                weighed.len() == 1 || weighed.first().zip(weighed.get(1)).is_some_and(|(a, b)| a.0 - b.0 > 0.5);
            match weighed.first() {
                None => {}
                Some((_, place)) if certain => self.set(*leaf, place.clone(), 0),
                Some(_) => open.push((*leaf, weighed)),
            }
        }
        let centers = self.centers(singles);
        for (leaf, weighed) in open {
            let parent = self.leaves.get(leaf).map_or("", |leaf| leaf.parent.as_str());
            let near = centers.get(parent).filter(|_| !parent.is_empty());
            let worth =
                |(score, place): &(f32, Place)| score + near.map_or(0.0, |center| self.nearness(place, *center));
            let mut best: Option<(f32, &Place)> = None;
            for entry in &weighed {
                let worth = worth(entry);
                if best.is_none_or(|(known, _)| worth > known) {
                    best = Some((worth, &entry.1));
                }
            }
            let Some((top, place)) = best else { continue };
            let equal = weighed.iter().filter(|entry| worth(entry) > top - 0.05).count();
            self.set(leaf, place.clone(), others(equal));
        }
    }

    fn set(&mut self, leaf: usize, place: Place, alternatives: u32) {
        if let Some(slot) = self.choices.get_mut(leaf) {
            *slot = Some(Choice { place, alternatives });
        }
    }

    /// The places of a leaf, the likeliest first.
    fn weigh(&self, leaf: usize) -> Vec<(f32, Place)> {
        let (Some(field), Some(places)) = (self.leaves.get(leaf).map(|leaf| &leaf.field), self.places.get(leaf)) else {
            return Vec::new();
        };
        let half = MAX_WEIGHED / 2;
        let skipped = if places.len() > MAX_WEIGHED { half..places.len() - half } else { 0..0 };
        let weighed = places.iter().enumerate().filter(|(number, _)| !skipped.contains(number));
        let mut weighed: Vec<(f32, Place)> = weighed
            .map(|(_, place)| {
                let label = self.label(place, &field.labels);
                let line = self.index.line_of(place.span.first);
                let in_table = if self.table_lines.contains(&line) { 0.8 } else { 0.0 };
                (place.likeness * 2.0 + label - in_table, place.clone())
            })
            .collect();
        weighed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        weighed
    }

    /// How much speaks for a place by the words to its left and above it, 0..=1.5.
    fn label(&self, place: &Place, labels: &BTreeSet<String>) -> f32 {
        let Some(word) = self.index.tokens.get(place.span.first).map(|token| token.word) else { return 0.0 };
        let Some(own) = self.index.words.get(word) else { return 0.0 };
        let hits = |text: &str| {
            let chunks = super::fold::chunks(text);
            real(chunks.iter().filter(|chunk| labels.contains(*chunk)).count())
        };
        let start = self.index.lines.get(own.line).map_or(word, |words| words.start);
        let mut score = 0.0;
        let mut weight = 1.0;
        for left in
            self.index.words.get(start.max(word.saturating_sub(LABEL_WORDS))..=word).unwrap_or_default().iter().rev()
        {
            score += hits(&left.text) * weight;
            weight *= 0.85;
        }
        let bounds = own.bounds;
        for (up, weight) in (1..=LABEL_LINES).zip([0.7, 0.45, 0.3]) {
            let Some(line) = own.line.checked_sub(up) else { break };
            let words = self.words_of_line(line);
            if words.first().is_none_or(|first| first.page != own.page) {
                break;
            }
            // Words of a line stand from left to right.
            let from = words.partition_point(|other| other.bounds.x + other.bounds.width < bounds.x - bounds.height);
            let above = words.iter().skip(from).take(6);
            let above = above.take_while(|other| other.bounds.x <= bounds.x + bounds.width + bounds.height);
            score += above.map(|other| hits(&other.text)).sum::<f32>() * weight;
        }
        score.min(1.5)
    }

    /// The middle of what is placed of each object.
    fn centers(&self, singles: &[usize]) -> HashMap<String, (usize, f32, f32)> {
        let mut found: HashMap<String, Vec<(usize, f32, f32)>> = HashMap::new();
        for leaf in singles {
            let (Some(Some(choice)), Some(leaf)) = (self.choices.get(*leaf), self.leaves.get(*leaf)) else { continue };
            let page = self.index.word_of(choice.place.span.first).map(|word| word.page);
            if let Some((page, bounds)) = page.zip(choice.place.bounds(self.index)) {
                found.entry(leaf.parent.clone()).or_default().push((page, middle(bounds), bounds.y));
            }
        }
        let center = |places: Vec<(usize, f32, f32)>| {
            let page = places.first().map_or(0, |place| place.0);
            let here: Vec<&(usize, f32, f32)> = places.iter().filter(|place| place.0 == page).collect();
            let count = real(here.len()).max(1.0);
            (
                page,
                here.iter().map(|place| place.1).sum::<f32>() / count,
                here.iter().map(|place| place.2).sum::<f32>() / count,
            )
        };
        found.into_iter().map(|(parent, places)| (parent, center(places))).collect()
    }

    /// How near a place is to a point, 0..=0.6.
    fn nearness(&self, place: &Place, (page, x, y): (usize, f32, f32)) -> f32 {
        let (Some(word), Some(bounds)) = (self.index.word_of(place.span.first), place.bounds(self.index)) else {
            return 0.0;
        };
        let Some(sheet) = self.index.sheets.get(word.page).filter(|_| word.page == page) else { return 0.0 };
        let aside = (middle(bounds) - x).abs() / sheet.width.max(1.0);
        let below = (bounds.y - y).abs() / sheet.height.max(1.0);
        0.6 * (1.0 - (aside + below * 2.0).min(1.0))
    }
}

/// The lines of each item: from a little above its first one to the next item's.
fn bands(anchors: &[Option<usize>], lines: usize) -> Vec<Option<Band>> {
    let mut bands: Vec<Option<Band>> = Vec::with_capacity(anchors.len());
    let mut before: Option<usize> = None;
    for anchor in anchors {
        bands.push(anchor.map(|anchor| {
            let above = anchor.saturating_sub(1);
            let from = before.replace(anchor).map_or(above, |before| above.max(before + 1));
            Band { from, anchor, to: (anchor + LAST_ITEM_LINES).min(lines) }
        }));
    }
    let mut next: Option<usize> = None;
    for band in bands.iter_mut().rev().flatten() {
        band.to = next.replace(band.anchor).unwrap_or(band.to);
    }
    bands
}

fn middle(bounds: BoundingBox) -> f32 {
    bounds.x + bounds.width / 2.0
}

fn others(count: usize) -> u32 {
    u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX)
}

fn real(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}
