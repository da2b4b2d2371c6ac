//! Models of reclamation: what is protected is not freed, and what is not is.
#![cfg(linchpin_loom)]

mod hazard;
mod lives;
mod stage;

use loom_tests::models;

models! {
    reclaim, sources: [
        "src/reclaim/hazard/atomic_ptr.rs", "src/reclaim/hazard/domain.rs", "src/reclaim/hazard/hazard_pointer.rs",
        "src/reclaim/hazard/record.rs", "src/reclaim/hazard/scan.rs", "src/reclaim/hazard/slot.rs",
        "src/reclaim/hazard/table.rs",
    ],
    protected_or_reclaimed => hazard::protected_or_reclaimed(),
    protected_by_hand => hazard::protected_by_hand(),
    protection_moves_on => hazard::protection_moves_on(),
    protection_is_reset => hazard::protection_is_reset(),
    protection_ends => hazard::protection_ends(),
    slot_is_used_again => hazard::slot_is_used_again(),
    two_readers => hazard::two_readers(),
    two_domains => hazard::two_domains(),
    what_is_loaded_is_complete => hazard::what_is_loaded_is_complete(),
    null_is_the_last_word => hazard::null_is_the_last_word(),
    null_is_tried => hazard::null_is_tried(),
    null_hides_no_slot => hazard::null_hides_no_slot(),
    address_is_reused => hazard::address_is_reused(),
    exchanged_object_is_dropped => lives::domain_is_dropped(lives::Take::Exchange),
    exchanged_weak_object_is_dropped => lives::domain_is_dropped(lives::Take::ExchangeWeak),
    domain_is_dropped => lives::domain_is_dropped(lives::Take::Swap),
    two_first_uses_race => lives::two_first_uses_race(),
    first_use_races => lives::first_use_races(),
    thread_departs => lives::thread_departs(),
    record_is_inherited => lives::record_is_inherited(),
    record_is_taken_over => lives::record_is_taken_over(),
    destructor_retires => lives::destructor_retires(),
    idle_slot_comes_back => lives::idle_slot_comes_back(),
    slot_is_shown_beside_a_lease => lives::slot_is_shown_beside_a_lease(),
    idle_slot_is_hidden => lives::idle_slot_is_hidden(),
    marks_are_older => lives::marks_are_older(),
    one_scan_hides => lives::one_scan_hides(),
}
