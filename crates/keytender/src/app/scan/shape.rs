//! What keys look like, from the descriptors: the patterns of keys, and the names of variables that they are kept in.
//!
//! A pattern is looked for by the literal text in it that is the longest: all of these, and all names, are found in one
//! pass over a file; only where one stands is the pattern itself tried, on a few hundred bytes.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use keytender_core::akm::{Checksum, Descriptor, KeyType};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind};

use super::place::Hosts;
use crate::connect::shelf;
use crate::error::{Error, Kind};

/// The fewest bytes of a literal that is looked for: shorter ones stand in every line.
const MIN_LITERAL: usize = 3;
/// The same of one that is no word.
const MIN_ODD_LITERAL: usize = 2;
/// How many literals one pattern may begin with.
const MAX_LITERALS: usize = 8;
/// How many bytes may stand before the literal.
const MAX_BEFORE: usize = 64;
/// How large one compiled pattern may be: those of the shelf are far below.
const MAX_PATTERN_BYTES: usize = 4 << 20;

/// The words that AWS's keys begin with: those of users, and those that end within hours.
pub(super) const AWS_IDS: [&str; 2] = ["AKIA", "ASIA"];
/// How the secret half of a key of AWS is called in files.
pub(super) const AWS_SECRETS: [&str; 4] =
    ["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey"];
/// What the key files of Google's service accounts have.
pub(super) const GOOGLE_KEY: &str = "\"private_key_id\"";

/// All that is looked for.
#[derive(Debug)]
pub struct Shapes {
    search: AhoCorasick,
    anchors: Vec<Anchor>,
    shapes: Vec<Shape>,
    /// Which providers' hosts are known.
    pub(super) hosts: Hosts,
}

/// What a literal that was found stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// A part of a pattern: which, and how many bytes may stand before it.
    Pattern {
        /// The number of the shape.
        shape: usize,
        /// The fewest bytes of the key before the literal.
        fewest: usize,
        /// The most bytes of the key before the literal.
        most: usize,
    },
    /// The name of a variable that keys of a provider are kept in.
    Name {
        /// The number of the shape, which has no pattern.
        shape: usize,
    },
    /// The id of a key of AWS.
    AwsId,
    /// The name of the secret half of a key of AWS.
    AwsSecret,
    /// The key file of a service account of Google.
    Google,
}

/// What keys of one kind look like.
#[derive(Debug)]
pub(super) struct Shape {
    /// Whose they are.
    pub(super) provider: String,
    /// The kind, by its name in the descriptor; nothing where a provider has several and the text does not tell.
    pub(super) key_type: Option<String>,
    /// What the provider calls one.
    pub(super) noun: String,
    /// What one is as a whole, from the beginning of the text on; nothing where only a name tells.
    pub(super) pattern: Option<Regex>,
    /// How its checksum is made.
    pub(super) checksum: Option<Checksum>,
    /// How many bytes at the beginning are the same in each.
    pub(super) fixed: usize,
}

impl Shapes {
    /// Those of all descriptors on the shelf.
    ///
    /// # Errors
    /// When one of them cannot be read, which a test keeps from happening.
    pub fn of_shelf() -> Result<Self, Error> {
        let mut draft = Draft::default();
        for provider in shelf::names() {
            let descriptor = shelf::find(provider).ok().flatten();
            let broken = || Error::new(format!("no descriptor of {provider}")).kind(Kind::Internal);
            draft.add(&*descriptor.ok_or_else(broken)?)?;
        }
        draft.literals(AWS_IDS, Anchor::AwsId);
        draft.literals(AWS_SECRETS, Anchor::AwsSecret);
        draft.literals([GOOGLE_KEY], Anchor::Google);
        draft.build()
    }

    /// Every literal in a text: its place, and what it stands for.
    pub(super) fn anchors<'t>(
        &'t self,
        text: &'t [u8],
    ) -> impl Iterator<Item = (usize, usize, Anchor)> + 't {
        self.search.find_overlapping_iter(text).filter_map(|found| {
            let anchor = self.anchors.get(found.pattern().as_usize())?;
            Some((found.start(), found.end(), *anchor))
        })
    }

    /// A shape by its number.
    pub(super) fn get(&self, shape: usize) -> Option<&Shape> {
        self.shapes.get(shape)
    }

    /// The kind of key that a whole text is by its pattern, and that its checksum does not contradict.
    pub(super) fn of_whole(&self, text: &str) -> Option<&Shape> {
        self.shapes.iter().find(|shape| {
            let is_whole = |pattern: &Regex| {
                pattern.find(text.as_bytes()).is_some_and(|found| found.end() == text.len())
            };
            shape.pattern.as_ref().is_some_and(is_whole)
                && shape.checksum.is_none_or(|checksum| checksum.fits(text))
        })
    }
}

#[derive(Default)]
struct Draft {
    literals: Vec<Vec<u8>>,
    anchors: Vec<Anchor>,
    shapes: Vec<Shape>,
    hosts: Hosts,
}

impl Draft {
    fn add(&mut self, descriptor: &Descriptor) -> Result<(), Error> {
        self.hosts.add(descriptor);
        let mut is_told_by_names = false;
        for kind in &descriptor.key_types {
            let pattern = kind.format.as_ref().and_then(|format| format.pattern.as_ref());
            let is_found = match pattern {
                Some(pattern) => self.pattern(descriptor, kind, &pattern.value)?,
                None => false,
            };
            is_told_by_names |= !is_found;
        }
        if is_told_by_names {
            self.names(descriptor);
        }
        Ok(())
    }

    /// Whether keys of this kind are found by their pattern.
    fn pattern(
        &mut self,
        descriptor: &Descriptor,
        kind: &KeyType,
        pattern: &str,
    ) -> Result<bool, Error> {
        let bad = |error: &dyn std::fmt::Display| {
            Error::new(format!(
                "{}: the pattern of {}: {error}",
                descriptor.provider.id.value, kind.id.value
            ))
            .kind(Kind::Internal)
        };
        let hir =
            regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
        let found = literals(&hir.map_err(|error| bad(&error))?);
        let regex = RegexBuilder::new(&format!("\\A(?:{pattern})"))
            .unicode(false)
            .size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| bad(&error))?;
        let Some(found) = found else { return Ok(false) };
        let shape = self.shapes.len();
        let is_first = found.most == 0;
        let fixed = found.texts.iter().map(Vec::len).min().filter(|_| is_first).unwrap_or(0);
        for text in found.texts {
            self.literals.push(text);
            self.anchors.push(Anchor::Pattern { shape, fewest: found.fewest, most: found.most });
        }
        self.shapes.push(Shape {
            provider: descriptor.provider.id.value.clone(),
            key_type: Some(kind.id.value.clone()),
            noun: kind.noun.clone().unwrap_or_else(|| "key".to_owned()),
            pattern: Some(regex),
            checksum: kind.format.as_ref().and_then(|format| format.checksum),
            fixed,
        });
        Ok(true)
    }

    /// The names of variables in which keys of a provider are kept that no pattern tells.
    fn names(&mut self, descriptor: &Descriptor) {
        let names: Vec<_> =
            descriptor.authentication.methods.iter().flat_map(secret_names).collect();
        if names.is_empty() {
            return;
        }
        let shape = self.shapes.len();
        let only = match descriptor.key_types.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        self.shapes.push(Shape {
            provider: descriptor.provider.id.value.clone(),
            key_type: None,
            noun: only.and_then(|kind| kind.noun.clone()).unwrap_or_else(|| "key".to_owned()),
            pattern: None,
            checksum: None,
            fixed: 0,
        });
        self.literals(names, Anchor::Name { shape });
    }

    fn literals<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>, anchor: Anchor) {
        for text in texts {
            self.literals.push(text.as_bytes().to_vec());
            self.anchors.push(anchor);
        }
    }

    fn build(self) -> Result<Shapes, Error> {
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&self.literals)
            .map_err(|error| Error::new("cannot look for so many patterns").source(error))?;
        let Self { anchors, shapes, hosts, .. } = self;
        Ok(Shapes { search, anchors, shapes, hosts })
    }
}

/// Those of the names of a way of authentication that are of its secret: not of ids, users and files.
fn secret_names(method: &keytender_core::akm::Method) -> Vec<&str> {
    const PUBLIC: [&str; 4] = ["ID", "SID", "USERNAME", "CREDENTIALS"];
    let is_pair = method.parts.len() == 2 && method.env.len() == 2;
    let has_secret = method.env.iter().any(|name| name.ends_with("_SECRET"));
    let is_secret = |name: &&str| {
        !PUBLIC.iter().any(|end| name.ends_with(end))
            && (!is_pair || !has_secret || name.ends_with("_SECRET"))
    };
    method.env.iter().map(String::as_str).filter(is_secret).collect()
}

/// The literals of which one stands in each match, and how many bytes may stand before it.
struct Literals {
    texts: Vec<Vec<u8>>,
    fewest: usize,
    most: usize,
}

/// The longest literals of a pattern, from any of its parts on; nothing where all are too short.
fn literals(hir: &Hir) -> Option<Literals> {
    let parts: &[Hir] = match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(hir),
    };
    let mut best: Option<Literals> = None;
    let (mut fewest, mut most) = (0, 0);
    for (place, part) in parts.iter().enumerate() {
        let rest = Hir::concat(parts.get(place..)?.to_vec());
        if let Some(texts) = beginnings(&rest) {
            let shortest = |texts: &[Vec<u8>]| texts.iter().map(Vec::len).min();
            if best.as_ref().is_none_or(|best| shortest(&best.texts) < shortest(&texts)) {
                best = Some(Literals { texts, fewest, most });
            }
        }
        // The beginning of a key is the best of places: what stands before a literal must be tried.
        if place == 0 && best.is_some() {
            return best;
        }
        let properties = part.properties();
        fewest += properties.minimum_len()?;
        most += properties.maximum_len()?;
        if most > MAX_BEFORE {
            break;
        }
    }
    best
}

fn beginnings(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let found = Extractor::new()
        .kind(ExtractKind::Prefix)
        .limit_class(MAX_LITERALS)
        .limit_total(MAX_LITERALS)
        .extract(hir);
    let texts: Vec<Vec<u8>> =
        found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    let is_long = |text: &Vec<u8>| {
        let is_odd = text.iter().any(|byte| !byte.is_ascii_alphanumeric());
        text.len() >= if is_odd { MIN_ODD_LITERAL } else { MIN_LITERAL }
    };
    (!texts.is_empty() && texts.iter().all(is_long)).then_some(texts)
}

/// How many kinds of keys of each provider are found by a pattern: what the guide tells.
pub fn patterned() -> Result<BTreeMap<String, usize>, Error> {
    let mut counts = BTreeMap::new();
    for shape in Shapes::of_shelf()?.shapes.iter().filter(|shape| shape.pattern.is_some()) {
        *counts.entry(shape.provider.clone()).or_insert(0) += 1;
    }
    Ok(counts)
}
