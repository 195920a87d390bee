"""An environment of one's own: how often is a letter in a word?"""
