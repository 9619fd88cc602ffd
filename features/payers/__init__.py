"""What a payer is to its supplier: RFM scale and payer segments."""
