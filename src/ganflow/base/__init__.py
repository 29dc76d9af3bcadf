"""Small, stable modules that everything else imports: files, errors, progress, images."""
