// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.29;

/// ERC-734, as much of it as orders ask: who is a member (purpose 4). It holds itself.
contract Group {
    address public owner;
    mapping(bytes32 => mapping(uint256 => uint256)) private types;
    mapping(bytes32 => mapping(uint256 => bool)) private held;

    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
    event KeyAdded(bytes32 indexed key, uint256 indexed purpose, uint256 indexed keyType);
    event KeyRemoved(bytes32 indexed key, uint256 indexed purpose, uint256 indexed keyType);

    modifier onlyOwner() {
        require(msg.sender == owner, "Ownable: caller is not the owner");
        _;
    }

    constructor(address owner_) {
        _own(owner_);
        _add(bytes32(uint256(uint160(address(this)))), 4, 1);
    }

    function keyHasPurpose(bytes32 key, uint256 purpose) external view returns (bool) {
        return held[key][purpose];
    }

    function addKey(bytes32 key, uint256 purpose, uint256 keyType) external onlyOwner returns (bool) {
        require(!held[key][purpose], "Conflict: Key already has purpose");
        _add(key, purpose, keyType);
        return true;
    }

    function removeKey(bytes32 key, uint256 purpose) external onlyOwner returns (bool) {
        require(held[key][purpose], "NonExisting: Key doesn't have such purpose");
        emit KeyRemoved(key, purpose, types[key][purpose]);
        delete held[key][purpose];
        return true;
    }

    function transferOwnership(address to) external onlyOwner {
        require(to != address(0), "Ownable: new owner is the zero address");
        _own(to);
    }

    function renounceOwnership() external onlyOwner {
        _own(address(0));
    }

    function _own(address to) private {
        emit OwnershipTransferred(owner, to);
        owner = to;
    }

    function _add(bytes32 key, uint256 purpose, uint256 keyType) private {
        held[key][purpose] = true;
        types[key][purpose] = keyType;
        emit KeyAdded(key, purpose, keyType);
    }
}

/// Makes groups by a call, as the embedded ledger's factory does.
contract GroupFactory {
    mapping(bytes32 => bool) private made;

    function createGroup(bytes32 salt) external returns (address) {
        bytes32 own = keccak256(abi.encodePacked(msg.sender, salt));
        require(!made[own], "Create2: Failed on deploy");
        made[own] = true;
        return address(new Group{salt: own}(msg.sender));
    }
}
