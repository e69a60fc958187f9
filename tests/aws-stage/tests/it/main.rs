//! Both stages, and what only AWS can do to us.

mod budget;
mod crashes;
mod faults;
mod operating;
mod queues;
mod setting_up;
mod stages;
