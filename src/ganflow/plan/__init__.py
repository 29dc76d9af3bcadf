"""What a run of the pipeline will take: time, memory and disk, by short measurements."""
