# The usual work. `just` lists the recipes; each is a line you can also type yourself.

_list:
    @just --list --unsorted

# Everything, as the build machine runs it; or only some steps: just test clippy
test *STEPS:
    ./test {{ STEPS }}

# Put the code into the one format
fmt:
    cargo fmt --all

# Lints, warnings are errors
clippy:
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

# The documentation of all crates
doc:
    cargo doc --workspace --no-deps --all-features --locked

# Write the generated pages of docs/ anew, then look at the difference
docs:
    UPDATE_DOCS=1 cargo test --workspace --all-features --locked
    git diff --stat -- docs

# The figures of docs/performance.md
bench *ARGUMENTS:
    cargo bench --workspace --locked {{ ARGUMENTS }}

# Feed a parser with nonsense for five minutes (needs nightly and cargo-fuzz)
fuzz TARGET SECONDS="300":
    cargo +nightly fuzz run {{ TARGET }} -- -max_total_time={{ SECONDS }}

# Change the judging code at random; a change that no test notices survives and is listed (needs cargo-mutants)
mutants *FILES="crates/core/src/checks/*.rs crates/core/src/judge/*.rs":
    cargo mutants --package lastgood-core $(for file in {{ FILES }}; do echo --file "$file"; done)

# Crates, licences, sources (needs cargo-deny)
deny:
    cargo deny --offline check bans licenses sources

# A simulated fleet, looked at
demo:
    cargo run --release --package lastgood -- demo
