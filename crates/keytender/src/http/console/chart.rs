//! Pictures, drawn as SVG without a script.
