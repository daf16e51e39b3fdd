"""A local Shopify on loopback, for the demo and the tests.

It speaks the parts of Shopify that Shopsync needs: OAuth, the Admin GraphQL API with its cost law, signed webhooks,
and every way of failing. Nothing else of sync_core imports it and it imports nothing of sync_core.

Reading order: config, shops (factory, catalogue, table), oauth (tokens), admin (graphql/, cost), webhooks, faults,
control_api; `running` starts one in a thread, `control` steers it from a test.
"""
