"""Reports: plain records in, HTML, figures and CSV out."""
