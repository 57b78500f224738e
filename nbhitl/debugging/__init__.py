"""The debugger's words and rules: breakpoints, expressions, steps. Pure: it runs nothing, and knows no notebook."""
