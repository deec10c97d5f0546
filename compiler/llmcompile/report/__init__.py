"""The report: the fleet as one page. Collect from what was compiled, to data, to HTML; decides nothing itself."""
