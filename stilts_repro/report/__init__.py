"""What a run leaves for its readers: claims.json, claims.md, report.html and XTREME's entry."""
