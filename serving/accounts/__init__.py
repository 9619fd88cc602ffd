"""What a policy decides on: the state of each account at decision time."""

from serving.accounts.accounts import Accounts, NewInvoice, account_facts, read_accounts
from serving.accounts.customers import SignalMemory

__all__ = ["Accounts", "NewInvoice", "SignalMemory", "account_facts", "read_accounts"]
