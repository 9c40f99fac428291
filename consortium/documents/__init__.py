"""What a trade body hands out: workbook and picture."""
