//! The family of a static unique domain is made in one place.

mod inside {
    linchpin::hazard::static_unique_domain!(pub static DOMAIN: Domain<Family>);
}

static ANOTHER: linchpin::hazard::Domain<inside::Family> =
    linchpin::hazard::Domain::new(&inside::Family { _private: () });

fn main() {}
