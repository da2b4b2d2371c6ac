//! Which bytes of a line each copy has yet to see: one bit for each byte that another core has
//! written since this core's last essential miss.
//!
//! A write flags its bytes in all other copies. Where many cores use the same words, nearly all
//! copies have these bits already; so those that may lack some are listed, and a write that brings
//! nothing new visits these alone.

#[derive(Default)]
pub(crate) struct Stale {
    /// By copy.
    bits: Vec<u128>,
    /// Bits that every copy has which is not in `behind`.
    common: u128,
    /// Copies that may lack some of `common`, each once.
    behind: Vec<u16>,
}

impl Stale {
    /// A copy that has everything to see, and nothing that it has missed.
    pub(crate) fn push(&mut self) {
        self.behind.push(self.bits.len() as u16);
        self.bits.push(0);
    }

    /// What a copy has yet to see.
    #[inline]
    pub(crate) fn of(&self, copy: usize) -> u128 {
        self.bits[copy]
    }

    /// A copy has seen everything.
    pub(crate) fn clear(&mut self, copy: usize) {
        if self.bits[copy] & self.common == self.common {
            self.behind.push(copy as u16);
        }
        self.bits[copy] = 0;
    }

    /// The core of `writer` has written the bytes in `mask`.
    pub(crate) fn write(&mut self, writer: usize, mask: u128) {
        if mask & !self.common == 0 {
            let (bits, common) = (&mut self.bits, self.common);
            self.behind.retain(|&copy| {
                let copy = usize::from(copy);
                if copy != writer {
                    bits[copy] |= mask;
                }
                bits[copy] & common != common
            });
            return;
        }
        self.common |= mask;
        self.behind.clear();
        for (copy, bits) in self.bits.iter_mut().enumerate() {
            if copy != writer {
                *bits |= mask;
            }
            if *bits & self.common != self.common {
                self.behind.push(copy as u16);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, as the definition has it.
    #[derive(Default)]
    struct Plain(Vec<u128>);

    #[test]
    fn it_is_what_the_definition_says() {
        let (mut stale, mut plain) = (Stale::default(), Plain::default());
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for step in 0..100_000 {
            let copies = plain.0.len() as u64;
            match random(40) {
                0 if copies < 20 => {
                    stale.push();
                    plain.0.push(0);
                }
                1..20 if copies > 0 => {
                    let copy = random(copies) as usize;
                    stale.clear(copy);
                    plain.0[copy] = 0;
                }
                20.. if copies > 0 => {
                    let (writer, mask) = (random(copies) as usize, 0b1111 << (4 * random(16)));
                    stale.write(writer, mask);
                    plain
                        .0
                        .iter_mut()
                        .enumerate()
                        .filter(|(copy, _)| *copy != writer)
                        .for_each(|(_, bits)| *bits |= mask);
                }
                _ => {}
            }
            assert_eq!(stale.bits, plain.0, "after step {step}");
        }
        assert_eq!(plain.0.len(), 20);
    }
}
