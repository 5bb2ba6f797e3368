"""What each library runs, one module per benchmark, each with its table PEERS: name -> class.

A library is imported when its class is instantiated, in a process of its own.
"""
