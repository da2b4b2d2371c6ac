//! What the comments in the source say of an operation: its orderings, and the evidence for them.

/// How many orderings stronger than Relaxed, and fences of the pair, a line of code names.
pub(crate) fn strong_orderings(line: &str) -> usize {
    let code = line.split("//").next().unwrap_or_default();
    if code.trim_start().starts_with("use ") {
        return 0;
    }
    let pair = ["asymmetric::light()", "asymmetric::heavy()", "asymmetric::try_heavy()"]
        .iter()
        .map(|call| code.matches(call).count())
        .sum::<usize>();
    let words = code
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| ["Acquire", "Release", "AcqRel", "SeqCst"].contains(word))
        .count();
    pair + words
}

/// What the comment above an operation claims.
#[derive(Default)]
pub(crate) struct Evidence<'source> {
    /// The models that it names, with their families.
    pub(crate) models: Vec<&'source str>,
    pub(crate) is_survivor: bool,
    /// Where the evidence stands, counted from 0.
    pub(crate) lines: Vec<usize>,
}

impl<'source> Evidence<'source> {
    /// The evidence of the operation in `line`, counted from 1.
    pub(crate) fn above(lines: &[&'source str], line: usize) -> Self {
        let is_comment = |line: &str| line.trim_start().starts_with("// ");
        let code = lines[..line].iter().rev();
        let gap = code
            .take_while(|line| !is_comment(line) && !line.trim().is_empty())
            .count();
        let mut evidence = Evidence::default();
        for index in (0..line - gap).rev().take_while(|&index| is_comment(lines[index])) {
            if let Some(one) = Self::of_line(lines[index]) {
                evidence.models.extend(one.models);
                evidence.is_survivor |= one.is_survivor;
                evidence.lines.push(index);
            }
        }
        evidence
    }

    /// What one line says; `None` if it is no evidence.
    pub(crate) fn of_line(line: &'source str) -> Option<Self> {
        let comment = line.trim_start().strip_prefix("// ")?;
        let models = comment.strip_prefix("model: ");
        if models.is_none() && !comment.starts_with("survivor: ") {
            return None;
        }
        Some(Evidence {
            models: models.into_iter().flat_map(|models| models.split(", ")).collect(),
            is_survivor: models.is_none(),
            lines: vec![],
        })
    }

    /// The models of `family`.
    pub(crate) fn of(&self, family: &str) -> impl Iterator<Item = &'source str> {
        self.models
            .iter()
            .filter_map(move |model| model.strip_prefix(family)?.strip_prefix("::"))
    }

    pub(crate) fn is_of_other_families(&self, family: &str) -> bool {
        !self.models.is_empty() && self.of(family).next().is_none()
    }
}
