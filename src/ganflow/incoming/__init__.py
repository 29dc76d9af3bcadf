"""What has arrived in a watched folder, measured against what the model was trained on."""
