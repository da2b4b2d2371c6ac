//! The report as one HTML page that needs nothing else: its style and its plots are in it.

use std::fmt::Write;

use plotters::prelude::*;

use crate::document::{Map, Place, Plot, Section, Table};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em;color:#222}\
    table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}caption{text-align:left;color:#555}\
    td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}\
    td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}\
    @media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}svg{background:#fff}caption{color:#aaa}}";

/// The whole page.
pub fn render(sections: &[Section]) -> String {
    let body: String = sections.iter().map(section).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>linchpin: comparison and bills</title><style>{STYLE}</style><h1>linchpin: comparison and bills</h1>{body}</html>\n"
    )
}

fn section(section: &Section) -> String {
    let text = section
        .text
        .iter()
        .map(|paragraph| format!("<p>{}</p>", escape(paragraph)));
    let tables = section.tables.iter().map(table);
    let plots = section.plots.iter().map(plot).chain(section.maps.iter().map(map));
    format!(
        "<h2>{}</h2>{}",
        escape(&section.title),
        text.chain(tables).chain(plots).collect::<String>()
    )
}

fn table(table: &Table) -> String {
    let row = |cells: &[String], tag: &str| {
        let cells = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let rows: String = table.rows.iter().map(|cells| row(cells, "td")).collect();
    format!(
        "<table><caption>{}</caption>{}{rows}</table>\n",
        escape(&table.caption),
        row(&table.columns, "th")
    )
}

/// A heat map: the more transactions, the darker; a false-sharing miss is red.
fn map(map: &Map) -> String {
    let most = map
        .places
        .iter()
        .flatten()
        .map(|place| place.transactions)
        .max()
        .unwrap_or(0)
        .max(1);
    let cell = |place: &Place| {
        let (color, count) = match place.false_sharing {
            0 => ("40,90,200", place.transactions),
            count => ("220,30,30", count),
        };
        // By the logarithm: one transaction has to show beside ten thousand.
        let heat = (1.0 + place.transactions as f64).ln() / (1.0 + most as f64).ln();
        format!("<td style=\"background:rgba({color},{heat:.2})\">{count}</td>")
    };
    let rows = map.lines.iter().zip(&map.places).map(|(line, places)| {
        format!(
            "<tr><td>{}</td>{}</tr>",
            escape(line),
            places.iter().map(cell).collect::<String>()
        )
    });
    let cores = map.places.first().map_or(0, Vec::len);
    let head: String = (0..cores).map(|core| format!("<th>core {core}</th>")).collect();
    format!(
        "<table><caption>{}</caption><tr><th></th>{head}</tr>{}</table>\n",
        escape(&map.title),
        rows.collect::<String>()
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn plot(plot: &Plot) -> String {
    let mut svg = String::new();
    match draw(plot, &mut svg) {
        Ok(()) => svg + &legend(plot),
        Err(error) => {
            let mut note = String::new();
            write!(
                note,
                "<p>{}: cannot be drawn: {}</p>",
                escape(&plot.title),
                escape(&error.to_string())
            )
            .expect("a string takes all that is written to it");
            note
        }
    }
}

fn draw(plot: &Plot, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, (1000, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let values = || {
        plot.series
            .iter()
            .flat_map(|series| series.points.iter().copied())
            .filter(|value| *value > 0.0)
    };
    let lowest = values().fold(f64::INFINITY, f64::min);
    let highest = values().fold(0.0, f64::max);
    if highest == 0.0 {
        return Err("it has no values above 0".into());
    }
    let last = plot.places.len().saturating_sub(1);
    let mut chart = ChartBuilder::on(&area)
        .caption(&plot.title, ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(70)
        .build_cartesian_2d(-0.1..last as f64 + 0.1, (lowest / 1.5..highest * 1.5).log_scale())?;
    let place = |at: &f64| {
        let index = at.round();
        let near = (at - index).abs() < 0.01 && index >= 0.0;
        if near {
            plot.places.get(index as usize).cloned().unwrap_or_default()
        } else {
            String::new()
        }
    };
    chart
        .configure_mesh()
        .x_labels(plot.places.len())
        .x_label_formatter(&place)
        .y_desc(&plot.values)
        .y_label_formatter(&|value| short(*value))
        .light_line_style(WHITE)
        .draw()?;
    for (number, series) in plot.series.iter().enumerate() {
        let color = color(number);
        // Ours are bold, the others thin.
        let style = color.stroke_width(if series.name.starts_with("linchpin") { 3 } else { 1 });
        let points = || {
            (0..)
                .map(f64::from)
                .zip(series.points.iter().copied())
                .filter(|(_, value)| *value > 0.0)
        };
        chart.draw_series(LineSeries::new(points(), style))?;
        chart.draw_series(points().map(|point| Circle::new(point, 3, color.filled())))?;
    }
    area.present()?;
    Ok(())
}

fn color(number: usize) -> RGBColor {
    let (red, green, blue) = Palette99::COLORS[number % Palette99::COLORS.len()];
    RGBColor(red, green, blue)
}

/// The names of the lines, each with its color.
fn legend(plot: &Plot) -> String {
    let names = plot.series.iter().enumerate().map(|(number, series)| {
        let RGBColor(red, green, blue) = color(number);
        format!(
            "<span style=\"color:rgb({red},{green},{blue})\">&#9632;</span> {}&ensp; ",
            escape(&series.name)
        )
    });
    format!("<p>{}</p>\n", names.collect::<String>())
}

/// A number with the prefix of its size: 41M.
fn short(value: f64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(unit, _)| value >= *unit) {
        Some((unit, prefix)) => format!("{}{prefix}", trim(value / unit)),
        None => trim(value),
    }
}

fn trim(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
