"""What people and machines read: diagnostics as text, JSON and annotations; explanations; tables."""
