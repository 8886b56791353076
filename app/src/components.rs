//! The parts that views are made of: props, signals, view.

pub mod actions;
pub mod channel_strip;
pub mod class_bars;
pub mod compare_box;
pub mod device_chip;
pub mod dialog;
pub mod dream_canvas;
pub mod failure;
pub mod header;
pub mod heat_tile;
pub mod hint;
pub mod icon;
pub mod inspector;
pub mod keys_list;
pub mod layer_list;
pub mod loss_curve;
pub mod notice;
pub mod objective_box;
pub mod palette_box;
pub mod rail;
pub mod settings_list;
pub mod transport;
pub mod trouble;
pub mod unit_picker;
