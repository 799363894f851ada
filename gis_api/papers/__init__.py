"""What people print or open elsewhere: certificates as PDF, handover lists as workbooks."""

# Said here, so that a route may name it without loading what writes it.
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
