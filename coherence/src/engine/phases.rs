//! The phases of a program, and how long each took.

pub(crate) struct Phase {
    pub(crate) name: String,
    /// In picoseconds.
    pub(crate) elapsed: u64,
}

pub(crate) struct Phases {
    /// In the order in which they first began.
    list: Vec<Phase>,
    /// The index of the one in progress.
    current: u32,
    since: u64,
}

impl Phases {
    /// In phase `"start"`, since time 0.
    pub(crate) fn new() -> Phases {
        Phases {
            list: vec![Phase {
                name: "start".into(),
                elapsed: 0,
            }],
            current: 0,
            since: 0,
        }
    }

    /// The index of the phase in progress.
    #[inline]
    pub(crate) fn current(&self) -> u32 {
        self.current
    }

    /// A phase of this name begins, or goes on; the one in progress ends.
    pub(crate) fn begin(&mut self, name: &str, now: u64) {
        self.end(now);
        let at = self.list.iter().position(|p| p.name == name).unwrap_or_else(|| {
            self.list.push(Phase {
                name: name.to_owned(),
                elapsed: 0,
            });
            self.list.len() - 1
        });
        self.current = at as u32;
    }

    /// The phase in progress lasts until `now`.
    pub(crate) fn end(&mut self, now: u64) {
        self.list[self.current as usize].elapsed += now.saturating_sub(self.since);
        self.since = self.since.max(now);
    }

    /// All of them.
    pub(crate) fn take(&mut self) -> Vec<Phase> {
        core::mem::take(&mut self.list)
    }
}
