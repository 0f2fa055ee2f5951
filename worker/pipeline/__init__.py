"""The pipeline: stages, and the rules that every stage follows."""
