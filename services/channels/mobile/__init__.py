"""The mobile app's backend (移动终端): short blocks of title and value, without empty values."""
