//! A section on the terminal.

use crate::document::{Section, Table};

/// Prints the tables of `section`.
pub fn print(section: &Section) {
    println!("\n{}\n{}", section.title, "=".repeat(section.title.chars().count()));
    section.text.iter().for_each(|paragraph| println!("{paragraph}"));
    section.tables.iter().for_each(print_table);
}

fn print_table(table: &Table) {
    println!("\n{}", table.caption);
    let lines = || std::iter::once(&table.columns).chain(&table.rows);
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|column| lines().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    for line in lines() {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        println!("  {}", cells.collect::<Vec<_>>().join("  "));
    }
}
