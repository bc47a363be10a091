# Option 1: Use sudo (not recommended)
sudo python run.py
