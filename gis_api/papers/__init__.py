"""What people print or open elsewhere: certificates as PDF, handover lists as workbooks."""
