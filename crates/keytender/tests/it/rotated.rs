//! Rotations by the real program: at moto with its signatures checked, behind a door that keeps the rules of AWS
//! that moto does not, and loses answers when it is told to.

mod automatic;
mod cloud;
mod journey;
mod killed;
mod lost;
mod nodes;
mod own;
mod root;
mod told;
