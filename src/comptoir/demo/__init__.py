"""The demo: the main job of a marketplace over real HTTP, told step by step."""
