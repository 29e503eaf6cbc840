//! What the compiler says when a macro is used wrongly.

/// Scenario: each file in `tests/ui` holds uses that are wrong.
/// Guarantee: the compiler points at the place and says what to write instead, as the snapshot beside the file has it.
#[test]
fn misuse_is_told_at_its_place_with_the_correction() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
